"""The proof in the history where content or keys decide: real data, and signatures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake import refs
from lake.client import Lake
from lineage.guard import Check
from pipelines.common import signing
from pipelines.common.errors import SigningError
from pipelines.common.signing import KEY, PUBLIC_KEYS
from pipelines.params import load
from pipelines.rounds import (
    attestation,
    holdout,
    merging,
    real_data,
    receipts,
    staging_branch,
    tables,
)
from pipelines.rounds.attestation import SIGNATURE, SIGNER
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import StageMetadata
from pipelines.rounds.trust import Trust
from pipelines.stages import ingest
from review.commands import history
from tests.flow.lab import Lab, key_pair, sealed, trust
from tests.flow.projects import Project, copy

# Real data


@cache
def read(root: Path) -> tuple[real_data.Prepared, holdout.Named]:
    """What an ingest of the project in that folder, the current directory, reads of its source."""
    assert root.samefile(Path.cwd())
    dataset = load().datasets["tiny"]
    prepared = real_data.prepare(dataset)
    return prepared, holdout.name("tiny", prepared.rows, dataset.identity, "another")


def ingested(
    lab: Lab, name: str, change: Callable[[str], object] | None = None, **about: str
) -> str:
    """Another ingest of the real data, merged after a change on its branch."""
    lake = lab.lake
    dataset = load().datasets["tiny"]
    with staging_branch.staging_branch(lake, "tiny-r000", lab.merge.id) as branch:
        start = merging.supersede(lake, branch, StageMetadata("supersede", "tiny", 0))
        prepared, named = read(lab.project.root)
        ingest._write(lake, branch, named, prepared, dataset)
        if change is not None:
            change(branch)
        held = attestation.contents(lake, branch, start, "tiny", 0)
        made = StageMetadata("ingest", "tiny", 0, key=StageKey("another", None))
        source = lake.commit(branch, "Ingest", made.to_metadata() | held).id
    claims = replace(made, stage="publish").to_metadata() | held
    return lab.merged(name, source, claims | about, at=lab.merge.id)


def smuggle(lab: Lab, **columns: Any) -> Callable[[str], None]:
    """Make the last row of round 0 something else than real."""

    def change(branch: str) -> None:
        path = refs.part("tiny", "lineage", 0)
        rows = lab.lake.scan(branch, path).collect()
        last = pl.col("row") == rows["row"].max()
        given = [
            pl.when(last).then(pl.lit(value, rows.schema[name])).otherwise(name).alias(name)
            for name, value in columns.items()
        ]
        lab.lake.write(branch, path, rows.with_columns(given))

    return change


def test_a_new_ingest_supersedes_everything(lab: Lab) -> None:
    ref = ingested(lab, "fresh")
    assert lab.found(ref) == []
    assert tables.rounds(lab.lake, ref, "tiny") == [0]


@pytest.mark.parametrize(
    "columns",
    [
        {"kind": "synthetic"},
        {"generator": "a" * 64},
        {"trained_on": "a" * 64},
        {"round": 1},
    ],
)
def test_an_ingest_that_smuggles_a_row(lab: Lab, columns: Mapping[str, Any]) -> None:
    step = lab.only(ingested(lab, "smuggled", smuggle(lab, **columns)))
    assert step.wrong is not None
    assert step.wrong.startswith("1 row of round 0 of tiny not real: row ")
    assert step.kind == "real data"


def test_an_ingest_of_a_row_with_parents(lab: Lab) -> None:
    def change(branch: str) -> None:
        path = refs.part("tiny", "lineage", 0)
        rows = lab.lake.scan(branch, path).collect()
        parent = {"dataset": "tiny", "round": 0, "row": 1, "relation": "edited", "weight": 1.0}
        parents = pl.Series("parents", [[parent], *[[]] * (len(rows) - 1)], rows.schema["parents"])
        lab.lake.write(branch, path, rows.with_columns(parents))

    assert "1 row of round 0 of tiny not real" in (
        lab.only(ingested(lab, "descended", change)).wrong or ""
    )


def test_an_ingest_of_samples_without_lineage(lab: Lab) -> None:
    def change(branch: str) -> None:
        rows = tables.read_round(lab.lake, "tiny-v2", "tiny", "samples", 2)
        more = rows.head(2).with_columns(pl.lit(0, pl.Int32).alias("round"))
        lab.lake.write(branch, refs.part("tiny", "samples", 0, 1), more)

    step = lab.only(ingested(lab, "unknown", change))
    assert (step.wrong or "").startswith("2 rows of round 0 of tiny without lineage: row ")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda lake, branch: lake.write_bytes(branch, refs.part("tiny", "samples", 1), b"x"),
            "it brings real data of tiny, and changes tiny/samples/round=001/part-00000.parquet",
        ),
        (
            lambda lake, branch: lake.write_bytes(branch, refs.part("other", "samples", 0), b"x"),
            "it brings real data of tiny, and adds other/samples/round=000/part-00000.parquet",
        ),
        (
            lambda lake, branch: lake.delete(branch, [refs.part("tiny", "lineage", 0)]),
            "it leaves round 0 of tiny without samples or without lineage",
        ),
        (
            lambda lake, branch: lake.write_bytes(branch, refs.part("tiny", "lineage", 0), b"x"),
            "the samples or the lineage of round 0 of tiny cannot be read",
        ),
        (
            lambda lake, branch: lake.write(
                branch, refs.part("tiny", "lineage", 0), pl.DataFrame({"row": [1]})
            ),
            "the samples or the lineage of round 0 of tiny cannot be read",
        ),
    ],
)
def test_an_ingest_that_brings_more_or_less(
    lab: Lab, change: Callable[[Lake, str], object], said: str
) -> None:
    ref = ingested(lab, "mixed", lambda branch: change(lab.lake, branch))
    assert said in (lab.only(ref).wrong or "")


def test_a_round_that_calls_itself_real_data(lab: Lab) -> None:
    claims = {"stemma.stage": "publish", "stemma.dataset": "tiny", "stemma.round": "0"}
    step = lab.only(lab.merged("claimed", lab.source, claims))
    assert "it carries no answer of the guard" in (step.wrong or "")


# Signatures


def signed_history(lab: Lab, name: str, key: Path) -> str:
    """The same rounds on a branch from the first commit, each merge signed."""
    log = list(lab.lake.log(lab.merge.id, first_parent=True))[::-1]
    lab.branch(name, log[0].id)
    for commit in log[1:]:
        about = sealed(lab.lake, commit.metadata, key)
        lab.lake.merge(commit.parents[1], name, commit.message, about)
    return name


def test_publish_signs_what_the_auditor_can_prove(
    lab: Lab, keys: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Every merge is signed; round 3 by the key that a variable named."""
    history.run(ref="main", dataset=None, as_json=True)
    content = json.loads(capsys.readouterr().out)
    assert (content["commit"], content["findings"]) == (lab.merge.id, [])
    name = next(iter(signing.named_keys({PUBLIC_KEYS: str(keys[0].with_suffix(".pub"))})))
    assert name in content["trusted_keys"]
    third, *others = content["proved"]
    assert (third["kind"], third["signed_by"]) == ("round", name)
    assert [each["kind"] for each in others] == ["round", "round", "real data"]
    assert all(each["signed_by"] in {*content["trusted_keys"]} - {name} for each in others)


def test_wrong_and_missing_signatures(lab: Lab, keys: tuple[Path, Path]) -> None:
    ours, theirs = keys
    ref = signed_history(lab, "all-signed", ours)
    assert lab.found(ref, trust(lab, ours)) == []
    assert lab.found(ref, trust(lab, theirs, ours)) == []  # while one key follows another
    wrong = lab.found(ref, trust(lab, theirs))
    assert [step.kind for step in wrong] == ["round", "round", "round", "real data"]
    assert {step.wrong for step in wrong} == {
        "the guard's answer is not signed by a key that is trusted",
        "the merge of real data is not signed by a key that is trusted",
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({SIGNATURE: None, SIGNER: None}, "the guard's answer is not signed"),
        ({SIGNATURE: "theirs"}, "not signed by a key that is trusted"),
        ({SIGNATURE: "AAAA"}, "not signed by a key that is trusted"),
        ({"stemma.review.reason": "it is fine"}, "not signed by a key that is trusted"),
        ({"stemma.suite": "0" * 64}, "not signed by a key that is trusted"),
    ],
)
def test_one_signature_that_is_wrong(
    lab: Lab, keys: tuple[Path, Path], change: Mapping[str, str | None], said: str
) -> None:
    ours, theirs = keys
    at = f"{signed_history(lab, 'base-signed', ours)}~1"
    about = dict(lab.merge.metadata)
    values = {"theirs": sealed(lab.lake, about, theirs)[SIGNATURE]}
    about |= {name: values.get(value, value) for name, value in change.items() if value is not None}
    about = {name: value for name, value in about.items() if change.get(name, "") is not None}
    ref = lab.merged("one-signed", lab.source, about, at=lab.lake.resolve(at).id)
    (step,) = lab.found(ref, trust(lab, ours))
    assert step.commit.id == lab.lake.head(ref)
    assert said in (step.wrong or "")
    assert lab.found(ref) == []  # who names no key does not look at signatures


def test_a_forger_with_all_the_digests_has_no_signature(lab: Lab, keys: tuple[Path, Path]) -> None:
    """An answer that passes by other figures is consistent in itself: only the key tells."""
    fine = (Check("real_share", 1.0, "block <0.1", "pass", "all is well"),)
    commit, about = lab.rejudged("made-up", lab.result.judged, keys[1], checks=fine)
    at = lab.lake.resolve(f"{signed_history(lab, 'before-forger', keys[0])}~1").id
    ref = lab.merged("forger", commit, about, at=at)
    assert lab.found(ref) == []
    (step,) = lab.found(ref, trust(lab, keys[0]))
    assert step.wrong == "the guard's answer is not signed by a key that is trusted"


def test_what_was_merged_before_signing_began_needs_no_signature(
    lab: Lab, keys: tuple[Path, Path]
) -> None:
    """And neither does what it merged; what came after it does."""
    trusted = trust(lab, keys[1])
    assert [step.commit.id for step in lab.found("main", trusted)] == [lab.merge.id]
    trusted = Trust(trusted.keys, lab.lake, lab.merge.id)
    assert lab.found("main", trusted) == []
    trusted = Trust(trusted.keys, lab.lake, "0" * 64)
    assert [step.commit.id for step in lab.found("main", trusted)] == [lab.merge.id]


@pytest.fixture
def another(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A copy of the project, whose round 3 is to be published again by other limits."""
    lab.project.stop_lake()
    project = copy(lab.project.root, tmp_path / "project")
    monkeypatch.chdir(project.root)
    limits = {"guard": {"depth_max_warn": 100.0}}
    project.edit(lambda found: found["rounds"]["tiny-3"].update(publish=limits))
    yield project
    project.drop_lake()


def test_a_key_that_cannot_be_used_stops_publish_before_the_merge(
    another: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    another.run("evaluate", "tiny-3")
    lake = another.lake()
    heads = lake.branches()
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN PRIVATE KEY-----\nMC4CAQ\n", encoding="utf-8")
    monkeypatch.setenv(KEY, str(broken))
    with pytest.raises(SigningError, match="cannot be opened as a private key"):
        another.run("publish", "tiny-3")
    done = another.stemma("stage", "publish", "tiny-3")
    assert done.code == 2
    assert len(done.err.strip().splitlines()) == 1
    assert "MC4CAQ" not in done.said
    assert str(broken) not in done.said
    assert lake.branches() == heads


def test_nothing_that_is_written_holds_the_key(
    another: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = key_pair(tmp_path / "good")
    monkeypatch.setenv(KEY, str(key))
    done = another.stemma("stage", "publish", "tiny-3")
    assert done.code == 0, done.said
    lake = another.lake()
    assert "tiny-v3.1" in lake.tags("tiny-v3")
    about = lake.resolve("main").metadata
    secret = key.read_text(encoding="utf-8").splitlines()[1]
    receipt = receipts.path("tiny", 3, "publish").read_text(encoding="utf-8")
    for text in (done.said, receipt, json.dumps(dict(about))):
        assert secret not in text
        assert str(key) not in text
    public = signing.named_keys({PUBLIC_KEYS: str(key.with_suffix(".pub"))})
    assert about[SIGNER] == next(iter(public))
    assert SIGNATURE not in receipt
