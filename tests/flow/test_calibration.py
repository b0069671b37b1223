"""A verifier is audited, and the guard stops a round that it is not good enough for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from lake.client import Lake
from lineage import identity
from pipelines import params
from pipelines.common.errors import BlockedError, StaleError
from pipelines.generation.joining import RoundMade
from pipelines.generators.protocol import GenerateReport, GenerateResult
from pipelines.rounds import branches, context, manifest, tables
from pipelines.rounds.context import write_receipt
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import BASE
from pipelines.rounds.round_commit import round_commit
from pipelines.rounds.staging_branch import staging_branch
from pipelines.stages import generate
from pipelines.verification.calibrations import audits, merges, store
from review.commands import verifier_audit
from review.errors import UsageError
from tests.flow.projects import NO_LIMITS, Project, tiny

pytestmark = pytest.mark.slow  # many rounds of its own; some of each kind are tested every day

CANDIDATES = 200
WRONG = 80
"""Candidates that bear the label of the other class: 40 %."""
GUARD = {**NO_LIMITS, "verifier_calibration_block": 1.0, "calibration_missing": "block"}


def suite(strict: bool) -> dict[str, Any]:
    """The suite of `tiny`, which also asks that images are near to real ones."""
    found: dict[str, Any] = json.loads(
        Path("expectations/suites/tiny.json").read_text(encoding="utf-8")
    )
    near = {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "real_distance", "max_value": 0.16},
        "severity": "critical",
        "meta": {"name": "like_a_real_one"},
    }
    found["expectations"] = [
        each for each in found["expectations"] if each["meta"]["name"] != near["meta"]["name"]
    ] + [near]
    for each in found["expectations"]:
        if each["meta"]["name"] == "label_agrees":
            each["severity"] = "critical" if strict else "warning"
    return found


def judged_by(strict: bool) -> None:
    """Set the suite."""
    content = json.dumps(suite(strict), indent=2)
    Path("expectations/suites/tiny.json").write_text(content, encoding="utf-8")


def drawn(rows: int) -> pl.DataFrame:
    """New images of the process that `tiny` is drawn from, 40 % under the other label."""
    source: dict[str, Any] = {}
    text = Path("tiny.py").read_text(encoding="utf-8").replace("default_rng(7)", "default_rng(8)")
    exec(compile(text, "tiny.py", "exec"), source)  # noqa: S102  the project's own source
    frame: pl.DataFrame = source["load"]().head(rows)
    wrong = np.random.default_rng(1).permutation(rows) < WRONG
    flipped = np.where(wrong, 1 - frame["label"].to_numpy(), frame["label"].to_numpy())
    return frame.select(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
        "image",
        pl.Series("label", flipped),
        pl.lit(0, pl.Int64).alias("seed"),
        pl.lit(0, pl.Int32).alias("shard"),
        identity.sample_ids(frame, ("image",)).alias("sample_id"),
    )


def generate_by_hand(project: Project) -> None:
    """Make the generate commit of round 1 of these images, as the stage makes its own."""
    project.run("fit", "tiny-1")
    at = context.open_context("tiny-1")
    base = branches.origin(at, supersede=False)
    key = StageKey(key="by hand", recipe="by hand")
    candidates = drawn(CANDIDATES).with_columns(pl.lit(0.0).alias("opaque_share"))
    made = RoundMade.whole(GenerateResult(candidates, None, GenerateReport({})))
    start = branches.cleared(at, base)
    with round_commit(at, "generate", key=key, start=start, message="By hand") as tx:
        tx.metadata[BASE] = base
        generate._write(at, tx, made, generate._lineage(at, made.result), {"seconds": 0.0})
    write_receipt(at, "generate", tx.result.commit.id, key, {"candidates": CANDIDATES})


@pytest.fixture
def noisy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Round 1 of `tiny` is generated, 40 % of its labels are wrong; the current directory."""
    project = tiny(tmp_path / "project", rounds=1)
    monkeypatch.chdir(project.root)
    more = Path("tiny.py").read_text(encoding="utf-8").replace("160", "640")
    Path("tiny.py").write_text(more, encoding="utf-8")
    project.edit(lambda found: found["datasets"]["tiny"]["publish"].update(guard=GUARD))
    project.run("lake", "")
    project.run("ingest", "tiny")
    generate_by_hand(project)
    yield project
    project.drop_lake()


def audit(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    """Run the command; what it prints as JSON."""
    capsys.readouterr()
    plain = {"dataset": "tiny", "round_number": None, "rows": 400, "sheet": None, "planted": False}
    verifier_audit.run(**{**plain, **options}, as_json=True)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def checked(lake: Lake, ref: str) -> dict[str, Any]:
    """What the guard said of the verifier."""
    (found,) = (
        each
        for each in manifest.read(lake, ref, "tiny", 1)["guard"]["checks"]
        if each["name"] == "verifier_calibration"
    )
    return dict(found)


def forge(lake: Lake, path: str) -> None:
    """Merge by hand a calibration by which the verifier keeps no wrong row, and a broken one."""
    content = json.loads(lake.read("main", path))
    for tally in (content["suite"]["tally"], *content["suite"]["kinds"].values()):
        tally["wrong_kept"] = 0
    with staging_branch(lake, "forged", "main") as branch:
        forged = json.dumps(content).encode()
        lake.write_bytes(branch, path.replace("-001", "-002"), forged)
        lake.write_bytes(branch, path.replace("-001", "-003"), b"{}")
        about = lake.resolve("main").metadata
        made = lake.commit(branch, "Calibrate", about)
        lake.merge(made.id, "main", "Calibrate", about)


def test_wrong_labels_are_blocked_until_the_suite_refuses_them(
    noisy: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    judged_by(strict=False)
    noisy.round("tiny-1", "verify", "curate", "evaluate")
    blind = audit(capsys, planted=True)
    assert blind["guard"]["verdict"] == "block"
    assert "all errors mislabelled" in blind["guard"]["evidence"]
    assert blind["suite"]["kinds"]["mislabelled"]["wrong_kept"] > 30
    assert blind["suite"]["candidates"]["kept"] > 0.9 * CANDIDATES
    forge(noisy.lake(), blind["path"])
    with pytest.raises(BlockedError, match=r"blocks tiny-1 \(verifier_calibration\)"):
        noisy.run("publish", "tiny-1")
    said = checked(noisy.lake(), "tiny-r001")["evidence"]
    assert (
        f"{blind['path']}, SHA-256 {blind['digest'][:12]}, signed by {blind['signed_by']}" in said
    )
    assert "1 that no signed merge brought do not count, 1 cannot be read" in said
    shown = json.loads(noisy.stemma("guard", "tiny-r001", "--json").out)["rounds"][0]
    used = {"place": blind["path"], "void": 0, "unsigned": 1, "unreadable": 1}
    assert used.items() <= shown["calibration"].items()
    assert shown["now"]["bound"]["calibration"] == blind["digest"]

    judged_by(strict=True)
    with pytest.raises(StaleError, match="verified with another suite"):
        audit(capsys, planted=True)
    noisy.round("tiny-1", "verify", "curate", "evaluate")
    with pytest.raises(BlockedError, match=r"\(verifier_calibration\)"):
        noisy.run("publish", "tiny-1")
    said = checked(noisy.lake(), "tiny-r001")["evidence"]
    assert "1 of other suites or settings are void" in said
    assert "run `stemma verifier audit tiny`" in said

    strict = audit(capsys, planted=True)
    assert strict["guard"]["verdict"] == "pass"
    found = strict["suite"]["estimates"]["error"]
    assert found["low"] < WRONG / CANDIDATES < found["high"]
    noisy.run("publish", "tiny-1")
    lake = noisy.lake()
    assert tables.rounds(lake, "main", "tiny") == [0, 1]
    assert checked(lake, "main")["verdict"] == "pass"
    assert checked(lake, "main")["value"] == strict["guard"]["value"] < 1
    assert strict["path"] in checked(lake, "main")["evidence"]
    suites = {each.record.suite_digest for each in merges.all_of(lake, "tiny").counting}
    assert suites == {strict["suite_digest"], blind["suite_digest"]}


def filled(place: Path, truth: pl.Expr) -> None:
    """Answer a sheet."""
    sheet = pl.read_csv(place, infer_schema=False).with_columns(truth.alias("truth"))
    sheet.write_csv(place)


def test_a_person_fills_the_sheet(copied: Project, capsys: pytest.CaptureFixture[str]) -> None:
    place = Path("audits/tiny-r002.csv")
    asked = audit(capsys, rows=10)
    assert (asked["sheet"], asked["rows"]) == (str(place), 10)
    page = place.with_suffix(".html").read_text(encoding="utf-8")
    assert page.count("<article") == page.count("data:image/png;base64,") == 10
    with pytest.raises(UsageError, match="is there already; read it with --sheet"):
        audit(capsys)
    with pytest.raises(UsageError, match="asks about round 2 of tiny"):
        audit(capsys, sheet=place, round_number=1)
    rows = pl.read_csv(place, infer_schema=False)["row"].to_list()
    wrong = pl.when(pl.col("row").is_in(rows[:3])).then(pl.lit("wrong"))
    blank = wrong.when(pl.col("row") == rows[-1]).then(pl.lit(""))
    filled(place, blank.otherwise(pl.lit("Right ")))
    found = audit(capsys, sheet=place)
    assert (found["asked"], found["answered"], found["round"]) == (10, 9, 2)
    tally = found["suite"]["tally"]
    assert (tally["correct"], tally["wrong"]) == (6, 3)
    assert found["suite"]["estimates"]["error"]["value"] == pytest.approx(1 / 3)
    decisions = tables.read_round(copied.lake(), "main", "tiny", "decisions", 2)
    refused = set(decisions.filter(pl.col("decision") == "rejected")["row"].to_list())
    kept = len([row for row in rows[3:-1] if int(row) not in refused])
    assert tally["correct_kept"] == kept
    kept_rows = copied.lake().scan("main", found["path"].replace(".json", ".parquet")).collect()
    assert kept_rows.schema == audits.ROWS
    assert kept_rows["right"].to_list() == [False] * 3 + [True] * 6


def test_the_same_audit_is_kept_once_and_others_at_once(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Path("sheet.csv")
    audit(capsys, rows=12, sheet=place)
    filled(place, pl.lit("right"))
    first = audit(capsys, sheet=place)
    lake = copied.lake()
    head = lake.head("main")
    assert audit(capsys, sheet=place)["path"] == first["path"]
    assert lake.head("main") == head
    about = audits.subject(lake, params.load(), "tiny")
    (one,) = merges.all_of(lake, "tiny").counting
    rows = lake.scan("main", one.path.replace(".json", ".parquet")).collect()
    records = [one.record.model_copy(update={"asked": count}) for count in (100, 101, 102)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda each: store.keep(copied.lake(), each, rows), records))
    stored = merges.all_of(lake, "tiny").counting
    assert sorted(each.record.asked for each in stored) == [12, 100, 101, 102]
    assert len({each.path for each in stored}) == 4
    assert not lake.branches("tmp-tiny-calibration")
    assert about.ctx.round.number == 2


@pytest.mark.slow
def test_a_calibration_outlives_rounds_that_are_superseded(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    verifier_audit.run(
        dataset="tiny", round_number=2, rows=40, sheet=None, planted=True, as_json=False
    )
    shown = capsys.readouterr().out
    for part in ("round 2, by planted errors", "the suite", "p*", "mislabelled", "label_agrees"):
        assert part in shown
    assert "guard: verifier_calibration" in shown
    copied.edit(lambda found: found["rounds"]["tiny-1"].update(generate={"candidates": 20}))
    copied.round("tiny-1")
    lake = copied.lake()
    assert tables.rounds(lake, "main", "tiny") == [0, 1]
    (kept,) = merges.all_of(lake, "tiny").counting
    said = checked(lake, "main")
    assert kept.record.suite_digest[:12] in said["evidence"]
    assert "planted errors, round 2" in said["evidence"]
    assert (said["verdict"], said["limit"]) == ("pass", "none")


@pytest.mark.slow
def test_a_line_that_publishes_nothing_stores_nothing(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    audit(capsys, rows=8, sheet=Path("main.csv"))
    copied.edit(lambda found: found.update(line="hot"))
    with pytest.raises(StaleError, match="no round of tiny is verified yet"):
        audit(capsys, planted=True)
    copied.round("tiny-1", "fit", "generate", "verify")
    head = copied.lake().head("main")
    found = audit(capsys, planted=True, rows=40)
    assert found["path"] is None
    assert copied.lake().head("main") == head


@pytest.mark.slow
def test_an_adaptive_audit_has_other_numbers_of_right_and_wrong_rows(copied: Project) -> None:
    asked = ("verifier", "audit", "tiny", "--planted", "--adaptive", "--rows", "15", "--json")
    told = copied.stemma(*asked)
    assert told.code == 0, told.said
    found = json.loads(told.out)
    tally = found["suite"]["tally"]
    assert 0 < tally["correct"] + tally["wrong"] <= 30
    assert tally["correct"] != tally["wrong"]
    share = found["wrong_share"]
    assert 0 <= share["low"] <= share["high"] <= 1
    assert found["gates"]
    refused = copied.stemma("verifier", "audit", "tiny", "--adaptive")
    assert refused.code != 0
    assert "give it with --planted" in refused.said
