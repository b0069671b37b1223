"""`stemma dataset add` and `stemma suite`: what they say and write, and what they leave alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
import yaml

from pipelines import params
from pipelines.project import scaffold
from pipelines.sources import candidates
from tests import commands

SEA = "the grey wave lifted ship {} over salt water while sails cracked in wind {}"
LAND = "a long road ran past farm {} between the hills where barley stood in rows {}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project with a file of labelled texts."""
    root = tmp_path_factory.mktemp("made") / "own"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(root.parent / "configuration"))
        scaffold.create(root)
    words = [("sea", SEA), ("land", LAND)]
    rows = [
        {"text": line.format(at * 7919, f"{at * 104729:x}"), "label": label, "mail": at}
        for at in range(60)
        for label, line in words
    ]
    pl.DataFrame(rows).write_ndjson(root / "notes.jsonl")
    return root


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as the current directory."""
    root = shutil.copytree(made, tmp_path / "own")
    monkeypatch.chdir(root)
    return root


def contents(root: Path) -> dict[Path, bytes]:
    kept = (path for path in root.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {path: path.read_bytes() for path in kept}


def test_a_dry_run_says_all_and_writes_nothing(project: Path) -> None:
    before = contents(project)
    done = commands.stemma("dataset", "add", "notes", "notes.jsonl", "--dry-run")
    assert done.code == 0, done.said
    assert "120 rows of modality text; content: text; labels in label" in done.out
    assert "kept with the samples: mail (numbers)" in done.out
    assert "nothing was written" in done.out
    assert contents(project) == before


def test_files_that_are_left_out_and_personal_data_are_said(project: Path) -> None:
    folder = project / "notes"
    folder.mkdir()
    line = (project / "notes.jsonl").read_text().splitlines()
    (folder / "a.jsonl").write_text("\n".join(line[:60]).replace("barley", "a@example.org"))
    (folder / "b.jsonl").write_text("\n".join(line[60:]))
    for junk in (".DS_Store", "about.docx", "b.jsonl.bak"):
        (folder / junk).write_text("x")
    done = commands.stemma("dataset", "add", "notes", "notes", "--dry-run")
    assert done.code == 0, done.said
    assert "left out 1: '.DS_Store': is a hidden file or one of the system" in done.out
    assert "left out 2: 'about.docx', 'b.jsonl.bak': is neither an image nor a table" in done.out
    assert "personal data: email 30 in 30 rows, kept" in done.out
    said = json.loads(commands.stemma("dataset", "add", "notes", "notes", "--json").out)
    assert [each["count"] for each in said["left_out"]] == [1, 2]
    assert said["personal_data"]["counts"] == {"email": 30}


def test_a_column_of_a_table_that_could_hold_labels_is_named(project: Path) -> None:
    rows = {"size": [at * 0.37 for at in range(90)], "maker": ["ash", "elm", "oak"] * 30}
    pl.DataFrame(rows).write_csv(project / "trees.csv")
    done = commands.stemma("dataset", "add", "trees", "trees.csv", "--dry-run")
    assert done.code == 0, done.said
    assert "if maker holds labels, say so with --label maker" in done.out


def test_what_is_written_is_a_data_set_with_a_suite_that_fits(project: Path) -> None:
    done = commands.stemma("dataset", "add", "notes", "notes.jsonl", "--json")
    assert done.code == 0, done.said
    said = json.loads(done.out)

    settings = params.load().datasets["notes"]
    assert settings.ingest.modality == "text"
    assert settings.identity == ("text",)
    assert settings.ingest.keep == ("mail",)
    assert set(settings.verify.scorers) >= {"text_agreement", "text_duplicates", "text_shape"}
    longest = settings.generate.of("text").max_chars
    assert settings.verify.scorers["text_shape"]["max_chars"] == longest
    assert params.load().rounds["notes-1"].generator == "text"
    text = (project / "params.yaml").read_text()
    assert "# every random choice derives from it" in text
    assert "# Jaccard distance of near-duplicates" in text
    suite = json.loads(Path("expectations/suites/notes.json").read_text())
    assert suite == said["suite"]
    assert "not_cut_off" in {rule["meta"]["name"] for rule in suite["expectations"]}
    length = next(
        rule for rule in suite["expectations"] if rule["meta"]["name"] == "of_usual_length"
    )
    trained = said["splits"]["train"]
    assert f"of {trained} real training rows" in length["meta"]["measured"]
    assert "99.5 % quantile" in length["meta"]["measured"]
    plots = yaml.safe_load(Path("dvc.yaml").read_text())["plots"]
    assert "notes, macro-F1 on real validation data" in {name for plot in plots for name in plot}
    assert said["written"] is True

    done = commands.stemma("suite", "check", "notes")
    assert done.code == 0, done.said
    again = commands.stemma("dataset", "add", "notes", "notes.jsonl")
    assert again.code == 2
    assert "has a data set 'notes' already, and nothing was changed" in again.err


def test_a_round_of_candidates_made_elsewhere_needs_no_line_by_hand(project: Path) -> None:
    rows = pl.read_ndjson(project / "notes.jsonl").rename({"label": "kind"})
    rows.write_csv(project / "own.csv")
    rows.head(9).with_columns(seed_of=pl.lit("0/3")).write_ndjson(project / "made.jsonl")
    made = ("--candidates", "made.jsonl", "--parents", "seed_of", "--maker", "Acme")
    done = commands.stemma("dataset", "add", "notes", "own.csv", "--label", "kind", *made)
    assert done.code == 0, done.said
    assert "a round: the candidates of made.jsonl, scored by" in done.out
    first = params.load().rounds["notes-1"]
    assert (first.generator, params.resolve(params.load(), "notes-1").number) == ("file", 1)
    content = yaml.safe_load(Path("params.yaml").read_text())["rounds"]["notes-1"]["generate"]
    assert content == {"file": {"path": "made.jsonl", "parents": "seed_of", "generator": "Acme"}}
    settings = params.load().datasets["notes"]
    read = candidates.rows("made.jsonl", None, settings.modality, settings.columns.named)
    assert read["label"].to_list() == rows["kind"].head(9).to_list()

    assert commands.stemma("round", "add", "notes").code == 0
    assert params.load().rounds["notes-2"].generator == "text"
    done = commands.stemma("round", "add", "notes", "--candidates", "made.jsonl")
    assert "for this round opaque_roots, real_inputs and depth_mean are written to warn" in done.out
    loose = params.resolve(params.load(), "notes-3").settings.publish.guard
    blocks = (loose.opaque_roots_block, loose.real_inputs_block, loose.depth_mean_block)
    assert blocks == (None, None, None)
    assert (loose.opaque_roots_warn, loose.holdout_near_block) == (0.25, 0.05)
    for other in ("notes-1", "notes-2"):
        tight = params.resolve(params.load(), other).settings.publish.guard
        assert (tight.opaque_roots_block, tight.real_inputs_block) == (0.95, 0.05)
    assert params.load().rounds["notes-3"].generator == "file"
    before = contents(project)
    for wrong, said in (
        (("--parents", "seed_of"), "--candidates FILE, which is missing"),
        (("--candidates", "mad.jsonl"), "generate.file.path 'mad.jsonl' is not there"),
        ((*made[:2], "--parents", "seed"), "has no column 'seed'; did you mean 'seed_of'"),
        (("--candidates", "dvc.yaml"), "is neither a folder nor a table"),
    ):
        done = commands.stemma("round", "add", "notes", *wrong)
        assert done.code != 0
        assert said in done.err
    assert contents(project) == before


def test_a_suite_that_does_not_fit_is_said_with_a_remedy(project: Path) -> None:
    assert commands.stemma("dataset", "add", "notes", "notes.jsonl").code == 0
    content = yaml.safe_load(Path("params.yaml").read_text())
    del content["datasets"]["notes"]["verify"]["scorers"]["text_agreement"]
    Path("params.yaml").write_text(yaml.safe_dump(content))

    done = commands.stemma("suite", "check", "notes")

    assert done.code == 1
    assert (
        "`predicted_topic` comes from scorer text_agreement; add it to verify.scorers" in done.out
    )
    refused = commands.stemma("suite", "new", "notes")
    assert refused.code == 2
    assert "is there already, and nothing was changed" in refused.err
    (project / "expectations" / "suites" / "notes.json").unlink()
    assert commands.stemma("suite", "new", "notes").code == 0
    assert commands.stemma("suite", "check", "notes").code == 0


@pytest.mark.parametrize("name", ["Notes", "my-notes", "1st", "no.tes", ""])
def test_a_name_that_the_lake_cannot_have_is_refused(project: Path, name: str) -> None:
    before = contents(project)
    done = commands.stemma("dataset", "add", name, "notes.jsonl")
    assert done.code == 2
    assert "use small letters, digits and _" in done.err
    assert contents(project) == before


def test_a_fresh_project_says_what_comes_first(project: Path) -> None:
    done = commands.stemma("status")
    assert done.code == 0, done.said
    assert "`stemma dataset add NAME SOURCE`" in done.out
    assert not (project / ".lake").exists()
    assert json.loads(commands.stemma("status", "--json").out)["datasets"] == {}


@pytest.mark.slow
def test_a_generator_is_chosen_by_name_where_it_suits(project: Path) -> None:
    before = contents(project)
    for name, said in (
        ("diffusion", "modality text; those that suit it: augment, simulate, text"),
        ("augmented", "did you mean 'augment'"),
        ("file", "--candidates FILE adds such a round"),
    ):
        done = commands.stemma("dataset", "add", "notes", "notes.jsonl", "--generator", name)
        assert done.code != 0
        assert said in done.err
    both = ("--generator", "augment", "--candidates", "x.csv")
    assert "contradict" in commands.stemma("dataset", "add", "notes", "notes.jsonl", *both).err
    assert contents(project) == before
    done = commands.stemma(
        "dataset", "add", "notes", "notes.jsonl", "--generator", "simulate", "--dry-run"
    )
    for said in ("opaque_roots, real_inputs and depth_mean", "function has to name the function"):
        assert said in done.out
    done = commands.stemma("dataset", "add", "notes", "notes.jsonl", "--generator", "augment")
    assert done.code == 0, done.said
    assert "40 candidates of generator augment" in done.out
    for words, generator in (
        ([], "augment"),
        (["--generator", "simulate"], "simulate"),
        ([], "simulate"),
    ):
        done = commands.stemma("round", "add", "notes", *words)
        assert done.code == 0, done.said
        key = f"notes-{len(params.load().rounds)}"
        entry = params.load().rounds[key]
        assert entry.generator == generator
        assert ("code makes the candidates, of no data" in done.out) == (generator == "simulate")
        assert ("opaque_roots_block" in str(entry.publish)) == (generator == "simulate")
