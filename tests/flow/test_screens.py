"""What generators, files and people write never reaches a terminal, a page or a log raw.

A data set whose texts, labels, columns, sources, licences, verdicts, reasons and messages hold
characters that move cursors, set titles and turn writing goes through the real commands and pages.
"""

from __future__ import annotations

import html
import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest

from lake import refs
from lake.client import Lake
from lake.server import __main__ as server
from lake.visible import visible
from lineage import record
from pipelines.common import console, progress
from pipelines.common.errors import DataError
from pipelines.gate import reviews
from pipelines.llm import local_server
from pipelines.llm.home import ServerHome
from pipelines.rounds import context, manifest, tables
from pipelines.stages import runner
from review.cli import app
from review.commands import status
from tests.flow import planted
from tests.flow.planted_branch import known, plant
from tests.flow.projects import Project, tiny
from tests.flow.served import Page, serving
from tests.lake.test_visible import hidden

NASTY = "\x1b]0;taken\x07\0\x7f\x9b31m\u202eexe\u2066\u200b\u2028\n\r\ue000"
HALF = "\ud83d"
"""Half of a pair of surrogates, which JSON in the lake may hold and no encoding takes."""
COLUMN = f"text {NASTY}"
SAID = visible(NASTY)


@dataclass(frozen=True)
class Said:
    """What a command left on its outputs, as bytes and as text."""

    code: object
    raw: bytes
    out: str
    err: str


class Terminal(io.TextIOWrapper):
    """An output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def run(*words: str, encoding: str = "utf-8", kind: type = io.TextIOWrapper) -> Said:
    """Run the command line in this process with outputs of an encoding."""
    with pytest.MonkeyPatch.context() as patch:
        streams = []
        for name in ("stdout", "stderr"):
            streams.append(io.BytesIO())
            patch.setattr(sys, name, kind(streams[-1], encoding=encoding, write_through=True))
        patch.setattr(sys, "argv", ["stemma", *words])
        code: object = 0
        try:
            app.main()
        except SystemExit as ended:
            code = ended.code
        raw = [each.getvalue() for each in streams]
    out, err = (each.decode(encoding) for each in raw)
    return Said(code, b"".join(raw), out, err)


def clean(said: Said) -> Said:
    """Nothing but line breaks that does not print."""
    assert not hidden(said.out + said.err, but="\n"), said
    assert not [byte for byte in said.raw if (byte < 0x20 and byte != 0x0A) or byte == 0x7F]
    return said


def publish_real(lake: Lake) -> None:
    """Real rows whose source and licence are as hostile as their texts."""
    frame = pl.DataFrame({"row": [0, 1, 2], COLUMN: [f"{at}{NASTY}" for at in range(3)]})
    ids = pl.Series("sample_id", [bytes([at]) * 32 for at in range(3)])
    lineage = record.real(
        frame.select(pl.col("row").cast(pl.Int64)).with_columns(
            ids,
            pl.lit(f"source {NASTY}").alias("source"),
            pl.lit(f"licence {NASTY}").alias("licence"),
        )
    )
    samples = lineage.select("round", "row", "sample_id").with_columns(frame[COLUMN])
    planted._publish(lake, "notes", 0, {"lineage": lineage, "samples": samples})


def with_text(lineage: pl.DataFrame) -> pl.DataFrame:
    """Samples of a round that was made."""
    return lineage.select("round", "row", "sample_id", pl.lit(f"made {NASTY}").alias(COLUMN))


def verdicts_of(lake: Lake, branch: str, rows: int) -> None:
    """Verdicts and reasons with hostile names, and what a manifest says of them."""
    name = f"looks {NASTY}"
    old = tables.read_round(lake, branch, "notes", "verdicts", 1)
    lake.write(
        branch,
        refs.part("notes", "verdicts", 1),
        old.with_columns(
            pl.lit(name).alias("expectation"),
            pl.when(pl.col("verdict") == "failed").then(pl.lit(f"saw {NASTY}")).alias("detail"),
        ),
    )
    decisions = tables.read_round(lake, branch, "notes", "decisions", 1)
    lake.write(
        branch,
        refs.part("notes", "decisions", 1),
        decisions.with_columns(
            pl.when(pl.col("decision") == "rejected")
            .then(pl.lit([name]))
            .otherwise(pl.lit([], pl.List(pl.String)))
            .alias("reasons")
        ),
    )
    about: dict[str, Any] = {"severity": "critical", "level": "row", "limits": {"value": NASTY}}
    about |= {"passed": rows - 1, "failed": 1, "unknown": 0, "sentence": f"It is {NASTY}{HALF}."}
    manifest.extend(
        lake, branch, "notes", 1, verdicts={"suite": "ab" * 32, "expectations": {name: about}}
    )
    lake.commit(branch, f"Verdicts {NASTY}", {"stemma.dataset": "notes", "stemma.note": NASTY})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The data set `notes`: real rows on main, candidates on a branch; the current directory."""
    made = tiny(tmp_path_factory.mktemp("screens") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.root)
        made.run("lake", "")
        known(made, "notes", COLUMN, "text")
        lake = made.lake()
        publish_real(lake)
        patch.setattr(planted, "_samples", with_text)
        seeds: list[planted.Edge] = [(0, "notes", 0, 1, "seed", 0.5)]
        planted.made(lake, "notes", 2, 2, seeds, planted.mix_of(lake, "notes"))
        texts = [f"{at}: {NASTY} {'long ' * 20}" for at in range(4)]
        labels = [f"label {NASTY}", "plain", f"label {NASTY}", "plain"]
        frame = pl.DataFrame({COLUMN: texts, "label": labels})
        verdicts_of(lake, plant(lake, "notes", frame, pl.col("row") == 1), 4)
        yield made
    made.drop_lake()


@pytest.fixture(scope="module")
def page(project: Project) -> Iterator[Page]:
    with serving(project.lake()) as found:
        yield found


COMMANDS = (
    ("audit", "00" * 32),
    ("audit", "00" * 32, "--json"),
    ("audit", "01" * 32, "--dataset", "notes"),
    ("audit", "--recompute", "main"),
    ("audit", "--recompute", "main", "--json"),
    ("audit", "--history", "notes-r001"),
    ("audit", "--history", "notes-r001", "--json"),
    ("descendants", "01" * 32, "--rows"),
    ("descendants", "01" * 32, "--rows", "--json"),
    ("verdicts", "notes-r001"),
    ("verdicts", "notes-r001", "--json"),
    ("diff", "main", "notes-r001", "--rows"),
    ("diff", "main", "notes-r001", "--rows", "--json"),
    ("diff", "main", "notes-r001", "--rows", "--markdown"),
    ("guard", "notes-r001"),
    ("status",),
    ("status", "--json"),
    ("lineage", "stats"),
    ("lineage", "stats", "--json"),
    ("lineage", "export", "--format", "prov"),
    ("lineage", "export", "--format", "croissant"),
    ("estimate", "notes"),
    ("verifier", "audit", "notes"),
    ("audit", NASTY),
    ("audit", "00000000", "--dataset", NASTY),
    ("diff", NASTY, "main"),
    ("guard", f"gone{NASTY}".replace("\0", "")),
    ("lake", "fsck"),
)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(map(visible, words)))
def test_no_command_shows_anything_raw(words: tuple[str, ...]) -> None:
    said = clean(run(*words))
    plain = clean(run(*words, encoding="ascii"))
    assert plain.code == said.code
    if "--json" in words and said.code == 0:
        json.loads(said.out)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("words", "least"),
    [
        (("audit", "00" * 32), 2),
        (("audit", "01" * 32), 2),
        (("audit", "--history", "notes-r001"), 1),
        (("verdicts", "notes-r001"), 2),
        (("diff", "main", "notes-r001", "--rows"), 10),
        (("diff", "main", "notes-r001", "--rows", "--markdown"), 10),
    ],
)
def test_what_does_not_print_is_shown_as_marks(words: tuple[str, ...], least: int) -> None:
    out = run(*words).out
    assert len(re.findall(r"\\u\\?\{1b", out)) >= least, out  # Markdown escapes braces


@pytest.mark.usefixtures("project")
def test_json_is_faithful() -> None:
    (found,) = json.loads(run("audit", "00" * 32, "--json").out)["occurrences"]
    assert found["source"] == f"source {NASTY}"
    told = json.loads(run("diff", "main", "notes-r001", "--rows", "--json").out)
    assert json.dumps(COLUMN)[1:-1] in json.dumps(told)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("form", ["prov", "croissant"])
def test_an_export_is_the_same_in_a_file_and_shows_nothing_raw(form: str, tmp_path: Path) -> None:
    said = clean(run("lineage", "export", "--format", form))
    place = tmp_path / f"x{NASTY.replace(chr(0), '')}.json"
    wrote = clean(run("lineage", "export", "--format", form, "--output", str(place)))
    assert wrote.code == 0
    assert visible(place.name) in wrote.out.replace("\n", "")
    assert json.loads(place.read_text(encoding="utf-8")) == json.loads(said.out)


@pytest.mark.usefixtures("project")
def test_colours_are_the_only_controls_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = run("verdicts", "notes-r001", kind=Terminal).out
    assert "\x1b[" in out
    assert not hidden(re.sub(r"\x1b\[[0-9;]*m", "", out), but="\n")


PAGES = (
    "/review/notes/notes-r001",
    "/review/notes/notes-r001?decision=rejected",
    "/review/notes/notes-r001/changes?change=added",
    "/review/notes/notes-r001/changes?change=refused",
    "/review/notes/notes-r001/summary",
    "/sample/notes/1/1?ref=notes-r001",
    "/sample/notes/0/0",
    "/sample/notes/2/0",
    "/verifiers/notes",
    "/?dataset=notes",
)


def unshown(text: str) -> set[str]:
    """What does not print in a page, as it is or as an entity of HTML."""
    return hidden(text, but="\n\t") | hidden(html.unescape(text), but="\n\t")


@pytest.mark.parametrize("path", PAGES)
def test_no_page_shows_anything_raw(page: Page, path: str) -> None:
    assert not unshown(page.text(path))


def test_pages_show_marks_and_errors_too(page: Page) -> None:
    listed = page.text("/review/notes/notes-r001")
    assert html.escape(visible(f"0: {NASTY}", lines=True)) in listed
    sample = page.text("/sample/notes/0/0")
    assert html.escape(visible(f"source {NASTY}", lines=True)) in sample
    for path in (f"/nowhere{quote(NASTY)}", f"/verifiers/{quote(NASTY)}", f"/?at={quote(NASTY)}"):
        answer = page.get(path)
        assert answer.status_code in (200, 400, 404)
        assert not unshown(answer.text)


def test_a_label_that_does_not_print_is_found_as_it_is_shown(page: Page) -> None:
    listed = page.text("/review/notes/notes-r001")
    offered = re.findall(r'<option value="(label [^"]*)"', listed)
    assert offered == [html.escape(visible(f"label {NASTY}", lines=True))]
    sent = html.unescape(offered[0]).replace("\n", "\r\n")  # as a browser sends a form
    for value in (sent, f"label {NASTY}"):
        found = page.text(f"/review/notes/notes-r001?column=label&value={quote(value)}")
        assert "<b>2</b> of 4" in found
        assert f'<option value="{offered[0]}" selected>' in found


@pytest.mark.usefixtures("project")
def test_pages_of_one_file_show_nothing_raw(tmp_path: Path) -> None:
    for words in (
        ("verdicts", "notes-r001", "--html"),
        ("diff", "main", "notes-r001", "--html"),
    ):
        place = tmp_path / f"{words[0]}.html"
        assert clean(run(*words, str(place))).code == 0
        text = place.read_text(encoding="utf-8")
        assert not unshown(text)
        assert visible("\x1b]0;taken\x07") in text
        assert words[0] == "diff" or visible(HALF) in text


def test_reasons_of_people_are_shown_as_marks(blocked: Project) -> None:
    lake = blocked.lake()
    head = lake.head("tiny-r003")
    assert head is not None
    reviews.reject(lake, context.open_context("tiny-3").round, head, f"blurred {NASTY}")
    said = clean(run("status"))
    assert visible("blurred \x1b]0;taken\x07\0") in said.out
    clean(run("status", "--json"))
    with serving(lake) as page:
        for path in ("/?dataset=tiny&at=tiny-r003", "/review/tiny/tiny-r003"):
            text = page.text(path)
            assert not unshown(text)
            assert visible("\x1b]0;taken\x07") in text
    blocked.edit(lambda found: found["rounds"]["tiny-3"]["publish"].update(override=f"so {NASTY}"))
    clean(run("guard", "tiny-r003"))
    clean(run("guard", "tiny-r003", "--json"))


def test_what_stages_say_is_shown_as_marks(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(kind: type[Exception]) -> None:
        raise kind(f"row 3 {NASTY}")

    console.line(f"left out {NASTY}")
    console.lines(f"two\nlines {NASTY}")
    for kind in (DataError, OSError, ZeroDivisionError):
        with pytest.raises(SystemExit):
            runner.guarded(lambda kind=kind: fail(kind))
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True)
    assert list(progress.track([1], f"asking {NASTY}")) == [1]
    err = capfd.readouterr().err
    assert not hidden(err, but="\n\r")
    assert err.count(visible("\x1b]0;taken\x07")) >= 6
    assert "Traceback" in err


def test_a_fault_of_a_command_is_told_with_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError(NASTY)

    monkeypatch.setattr(status, "run", fail)
    said = clean(run("status"))
    assert said.code == 70
    assert "Traceback" in said.err
    assert visible("\x1b]0;taken\x07") in said.err


def test_logs_show_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = ServerHome(tmp_path)
    local_server._log(home, [f"asked for {NASTY.partition(chr(10))[0]}\n"])
    for handler in logging.getLogger("pipelines.llm.local_server").handlers[:]:
        logging.getLogger("pipelines.llm.local_server").removeHandler(handler)
        handler.close()
    root = logging.getLogger("of the lake")
    monkeypatch.setattr(logging, "root", root)
    server._log_to(tmp_path / "lake.log")
    root.error("request of %s failed", NASTY, exc_info=ValueError(NASTY))
    for handler in root.handlers:
        handler.close()
    for name in ("server.log", "lake.log"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert not hidden(text, but="\n")
        assert visible("\x1b]0;taken\x07") in text
    entry = (tmp_path / "lake.log").read_text(encoding="utf-8").splitlines()[0]
    assert entry.endswith(f"request of {SAID} failed")
