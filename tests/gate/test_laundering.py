"""Copied metadata launders no content, and nothing but a proved merge publishes a round."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from lake import refs
from lake.client import Lake
from pipelines.gate import publication
from pipelines.rounds import context, receipts, stage_inputs, stored_keys
from pipelines.rounds.attestation import CONTENT, INPUT, SIGNATURE, SIGNER
from pipelines.rounds.keys import StageKey
from pipelines.rounds.metadata import FORMAT_ENTRY, PUBLISH_KEY, STAGE
from tests.flow.projects import Project
from tests.gate import attacker, victim
from tests.gate.attacker import Change

BRANCH = "tiny-r003"


def made(stage: str) -> str:
    """The commit of a stage of round 3, as its receipt names it."""
    return receipts.read("tiny", 3, stage).commit


def turned(frame: pl.DataFrame) -> pl.DataFrame:
    """All verdicts turned: those that passed failed, and the others passed."""
    other = pl.when(pl.col("verdict") == "passed").then(pl.lit("failed"))
    return frame.with_columns(other.otherwise(pl.lit("passed")).alias("verdict"))


def rejected(frame: pl.DataFrame) -> pl.DataFrame:
    """Nothing accepted."""
    return frame.with_columns(pl.lit("rejected").alias("decision"))


def fewer_accepted(frame: pl.DataFrame) -> pl.DataFrame:
    """Every second candidate rejected."""
    other = pl.when(pl.col("row") % 2 == 1).then(pl.lit("rejected"))
    return frame.with_columns(other.otherwise("decision").alias("decision"))


ON_EVALUATE: Mapping[str, Change] = {
    "ten images": attacker.table("samples", 3, attacker.few_images),
    "flipped labels": attacker.table("samples", 3, attacker.flipped),
    "no leaks": attacker.table("leaks", 3, lambda frame: frame.clear()),
    "all real": attacker.table("lineage", 3, lambda frame: frame.with_columns(real_inputs=1.0)),
    "figures": attacker.figures(
        3, lambda found: found["metrics"]["summary"].update(accuracy_mix=1.0)
    ),
    "another round": attacker.table("samples", 2, attacker.few_images),
    "nothing": attacker.nothing,
}


@pytest.mark.slow
def test_anything_on_top_of_an_evaluate_commit_with_its_metadata(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    expected, lake = victim.unblock(project), project.lake()
    at = evaluated = made("evaluate")
    planted = []
    for change in ON_EVALUATE.values():
        at = attacker.on_branch(lake, BRANCH, at, change, lake.resolve(evaluated).metadata).id
        planted.append(at)
    capsys.readouterr()
    assert victim.run(project, "evaluate") is None
    said = capsys.readouterr().err
    assert made("evaluate") == evaluated
    for bad in planted:
        assert f"{bad[:12]} has the key of tiny-3 and is not adopted: " in said
    assert victim.run(project, "publish") is None
    assert victim.outcome(lake, refs.MAIN) == expected
    victim.clean(project)


@pytest.mark.slow
def test_content_instead_of_an_evaluate_commit_is_measured_anew(project: Project) -> None:
    """The true commit is on no branch any more, so nothing is there to adopt."""
    expected, lake = victim.unblock(project), project.lake()
    genuine, curated = lake.resolve(made("evaluate")), made("curate")

    def forged(at: Lake, branch: str) -> None:
        for item in at.diff(curated, genuine.id, three_dot=False):
            at.write_bytes(branch, item.path, at.read(genuine.id, item.path))
        ON_EVALUATE["ten images"](at, branch)
        ON_EVALUATE["figures"](at, branch)

    bad = attacker.on_branch(lake, BRANCH, curated, forged, genuine.metadata)
    assert victim.run(project, "evaluate", "publish") is None
    assert made("evaluate") not in (bad.id, genuine.id)
    assert victim.outcome(lake, refs.MAIN) == expected
    assert victim.wrongs(project) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (attacker.more, "the branch also adds tiny/more"),
        (
            attacker.table("samples", 2, attacker.flipped),
            "round 2 of tiny was changed after the merge",
        ),
    ],
)
def test_a_change_below_the_candidates(
    project: Project, change: attacker.Change, said: str
) -> None:
    """A clone without receipts adopts the signed commits, which say nothing of what is below."""
    victim.unblock(project)
    lake = project.lake()
    chain = []
    for commit in lake.log(made("evaluate"), first_parent=True):
        chain.append(commit)
        if commit.metadata[STAGE] == "generate":
            break
    (start,) = chain[-1].parents
    lake.set_branch("below", attacker.commit(lake, start, change, {}).id)
    for commit in chain[::-1]:
        lake.cherry_pick("below", commit.id, commit.message, commit.metadata)
    lake.set_branch(BRANCH, str(lake.head("below")))
    for stage in ("generate", "verify", "curate", "evaluate"):
        receipts.path("tiny", 3, stage).unlink()
    main = lake.head("main")
    assert said in (victim.run(project) or "")
    assert made("evaluate") == lake.head("below")
    assert lake.head("main") == main


@pytest.mark.parametrize(
    ("stage", "change", "reader"),
    [
        ("verify", attacker.table("verdicts", 3, turned), "curate"),
        ("verify", attacker.table("scores", 3, lambda frame: frame.head(1)), "curate"),
        ("curate", attacker.table("decisions", 3, fewer_accepted), "evaluate"),
        ("generate", attacker.table("candidates", 3, attacker.few_images), "verify"),
    ],
    ids=["verdicts", "scores", "decisions", "candidates"],
)
def test_content_on_top_of_an_earlier_commit_of_the_round(
    project: Project, stage: str, change: Change, reader: str
) -> None:
    lake, genuine = project.lake(), made(stage)
    counts = receipts.read("tiny", 3, reader).rows
    bad = attacker.on_branch(lake, BRANCH, genuine, change)
    assert victim.run(project, stage, reader) is None
    assert made(stage) == genuine
    assert receipts.read("tiny", 3, reader).rows == counts
    assert bad.id not in {commit.id for commit in lake.log(BRANCH)}


def test_metadata_that_fits_the_content_needs_a_trusted_key(
    project: Project, stranger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everything but the signature can be computed again by anybody."""
    lake, evaluated = project.lake(), made("evaluate")
    genuine = lake.resolve(evaluated).metadata
    change = ON_EVALUATE["ten images"]
    held = attacker.commit(lake, evaluated, change, {})
    fits = attacker.stated(lake, held.id, 3, genuine)
    bare = {name: value for name, value in fits.items() if name not in (SIGNATURE, SIGNER)}
    early = {name: value for name, value in bare.items() if name not in (CONTENT, INPUT)}
    forms: Mapping[str, tuple[dict[str, str], str]] = {
        "replayed signature": (fits, "is not signed by a key that is trusted"),
        "signature of a stranger": (
            attacker.signed(lake, bare, stranger),
            "is not signed by a key that is trusted",
        ),
        "name of a trusted key": (
            {**attacker.signed(lake, bare, stranger), SIGNER: genuine[SIGNER]},
            "is not signed by a key that is trusted",
        ),
        "no signature": (bare, "is not signed"),
        "format 2": ({**early, FORMAT_ENTRY: "2"}, "does not state what it holds"),
        "format 1": ({**early, FORMAT_ENTRY: "1"}, "does not state what it holds"),
        "no format": (
            {name: value for name, value in early.items() if name != FORMAT_ENTRY},
            "does not state what it holds",
        ),
    }
    at, planted = evaluated, {}
    for name, (about, _) in forms.items():
        at = attacker.on_branch(
            lake, BRANCH, at, change if at == evaluated else attacker.nothing, about
        ).id
        planted[name] = at
    capsys.readouterr()
    assert victim.run(project, "evaluate") is None
    lines = capsys.readouterr().err.splitlines()
    assert made("evaluate") == evaluated
    for name, bad in planted.items():
        (line,) = (line for line in lines if line.startswith(f"{bad[:12]} has the key"))
        assert forms[name][1] in line, name


def test_a_key_of_another_commit_noted_by_hand(project: Project) -> None:
    """Notes give commits of the earliest release their keys, and nobody signs them."""
    lake, at = project.lake(), context.open_context("tiny-3")
    project.edit(lambda found: found["rounds"]["tiny-3"].update(curate={"max_accepted": 5}))
    assert victim.run(project, "curate", "evaluate") is None
    other = made("curate")
    project.edit(lambda found: found["rounds"]["tiny-3"].update(curate={}))
    key = stage_inputs.key(at.round, "curate", receipts.read("tiny", 3, "verify").key)
    stored_keys.write(lake, "tiny", 3, {f"{other}/curate": StageKey(key.key, key.recipe, {})})
    assert victim.run(project, "curate") is None
    assert made("curate") != other
    assert receipts.read("tiny", 3, "curate").rows["accepted"] > 5


def test_a_forged_answer_on_a_line_that_is_not_merged(project: Project) -> None:
    """On another line the head of the branch is the published round."""
    lake = project.lake()
    project.edit(lambda found: found.update(line="trial"))
    at, key = context.open_context("tiny-3"), StageKey("0" * 64, "0" * 64)
    about = {
        **lake.resolve(made("evaluate")).metadata,
        STAGE: "guard",
        "stemma.line": "trial",
        PUBLISH_KEY: key.key,
    }
    attacker.on_branch(lake, at.round.branch, made("curate"), attacker.nothing, about)
    assert publication.published(at, key) is None


@pytest.mark.slow
def test_a_round_on_a_line_that_is_not_merged(project: Project) -> None:
    """The same, on top of the true answer."""
    lake = project.lake()
    project.edit(lambda found: found.update(line="trial"))
    assert victim.run(project) is None
    published = receipts.read("tiny", 3, "publish")
    genuine = lake.resolve(published.commit).metadata
    assert PUBLISH_KEY in genuine
    attacker.on_branch(lake, published.branch, published.commit, ON_EVALUATE["ten images"], genuine)
    assert victim.run(project, "publish") is None
    assert receipts.read("tiny", 3, "publish").commit == published.commit


# Publications that are none


def merged_with(lake: Lake, number: int) -> dict[str, str]:
    """The metadata of the merge that published a round."""
    return dict(lake.resolve(f"tiny-v{number}").metadata)


def test_empty_commits_and_merges_that_say_that_they_publish(project: Project) -> None:
    expected, lake = victim.unblock(project), project.lake()
    about = merged_with(lake, 2)
    fake = {**about, "stemma.round": "3", "stemma.input_key": receipt_key(project)}
    planted = [
        attacker.on_main(lake, attacker.nothing, about),
        attacker.on_main(lake, attacker.nothing, fake),
        attacker.merged(lake, lake.resolve("tiny-v1").id, about),
        attacker.merged(lake, lake.resolve("tiny-v2").id, fake),
        attacker.merged(lake, lake.resolve("tiny-v0").id, merged_with(lake, 0)),
    ]
    project.run("lake", "")
    assert victim.run(project, "publish") is None
    tag = receipts.read("tiny", 3, "publish").tag
    assert tag is not None
    assert len(lake.resolve(tag).parents) == 2
    assert lake.resolve(tag).id not in {commit.id for commit in planted}
    assert victim.outcome(lake, refs.MAIN) == expected
    found = victim.wrongs(project)
    assert found.keys() == {commit.id for commit in planted}
    assert all("and is empty" in wrong for wrong in found.values())


def receipt_key(project: Project) -> str:
    """The key under which round 3 is about to be published."""
    at = context.open_context("tiny-3")
    assert at.lake.repository == project.lake().repository
    return stage_inputs.key(at.round, "publish", receipts.read("tiny", 3, "evaluate").key).key


@pytest.mark.slow
def test_a_merge_of_a_round_with_a_seal_of_another(project: Project) -> None:
    """The guard blocked round 3; the merge carries what published round 2, or that of round 3."""
    expected, lake = victim.unblock(project), project.lake()
    source = lake.resolve(BRANCH).id
    genuine = lake.resolve(source).metadata
    start = lake.resolve(refs.MAIN).id
    about = merged_with(lake, 2)
    for metadata in (about, {**about, "stemma.round": "3"}, {**genuine, STAGE: "publish"}):
        attacker.hard_reset(lake, refs.MAIN, start)
        bad = attacker.merged(lake, source, metadata)
        assert victim.wrongs(project).keys() == {bad.id}
    assert victim.run(project, "publish") is None
    assert victim.outcome(lake, refs.MAIN) == expected
    assert victim.wrongs(project).keys() == {bad.id}
    assert receipts.read("tiny", 3, "publish").commit != bad.id


MALFORMED: Mapping[str, tuple[str, ...]] = {
    "stemma.stage": ("", "x", "guard", "supersede", "\n"),
    "stemma.dataset": ("", "other", "../tiny", "tiny/samples", "é"),
    "stemma.round": ("", "x", "-1", "+2", "٣", "9" * 30, "1.0", "0"),
    "stemma.line": ("", "other"),
    "stemma.format": ("", "x", "-1", "0", "3.0"),
    "stemma.input_key": ("", "x"),
    "stemma.recipe": ("", "x"),
    "stemma.versions": ("", "[]", "{", "null", '{"a": 1}', "[" * 5000),
    "stemma.content": ("", "x"),
    "stemma.signature": ("", "x", "AAAA", "é"),
    "stemma.signer": ("", "x"),
    "stemma.suite": ("", "x"),
    "stemma.guard": ("", "x"),
    "stemma.guard.judged": ("", "main", "x"),
    "stemma.guard.checks": ("", "{", "[]"),
    "stemma.guard.verdict": ("", "override"),
    "stemma.guard.limits": ("", "x"),
    "stemma.head": ("", "x"),
}
"""Values that no stage writes, by entry; each entry is also left out."""


def malformed(about: Mapping[str, str]) -> list[dict[str, str]]:
    """Metadata with one entry that is missing, or that no stage writes."""
    without = [
        {name: value for name, value in about.items() if name != left_out}
        for left_out in about.keys() | MALFORMED.keys()
    ]
    changed = [{**about, name: value} for name, values in MALFORMED.items() for value in values]
    return [each for each in [*without, *changed] if each != about]


def test_malformed_metadata_of_every_entry_on_main(project: Project) -> None:
    """Empty commits, and one that changes something; none stops the rounds, all can be read."""
    expected, lake = victim.unblock(project), project.lake()
    for about in malformed(merged_with(lake, 2)):
        attacker.on_main(lake, attacker.nothing, about)
    bad = attacker.on_main(lake, attacker.more, {**merged_with(lake, 2), "stemma.versions": "{"})
    assert victim.status(project).code == 0
    project.run("lake", "")
    assert victim.run(project, "publish") is None
    assert victim.outcome(lake, refs.MAIN) == expected
    found = victim.wrongs(project)
    assert found[bad.id].startswith("it is no merge of a round: it ")


@pytest.mark.slow
def test_malformed_metadata_of_every_entry_on_a_rounds_branch(project: Project) -> None:
    """What is below a commit that is none of the round is out of reach, and the stage says so."""
    lake, head = project.lake(), made("evaluate")
    about = lake.resolve(head).metadata
    for name, values in MALFORMED.items():
        if name in about:
            bad = {**about, name: values[-1]}
            attacker.on_branch(lake, BRANCH, head, attacker.nothing, bad)
            said = victim.run(project, "curate")
            assert said is None or f"neither {BRANCH} nor main holds" in said, name
    for bad in malformed(about):
        lake.commit(BRANCH, "by hand", bad)
    assert victim.status(project).code == 0


def test_a_format_of_the_future_is_one_sentence(project: Project) -> None:
    lake = project.lake()
    bad = attacker.on_main(lake, attacker.nothing, {**merged_with(lake, 2), FORMAT_ENTRY: "99"})
    for words in (["status"], ["audit", "--history", "main"], ["stage", "publish", "tiny-3"]):
        done = project.stemma(*words)
        assert done.code == 4
        assert f"commit {bad.id[:12]} was written by a newer release" in done.err
        assert "Traceback" not in done.said


def test_main_changed_in_place_is_named_whatever_it_changed(project: Project) -> None:
    """A merger commits to main itself; the tables are proved from one another, and none fits."""
    lake = project.lake()
    change = attacker.both(
        attacker.table("samples", 1, attacker.few_images),
        attacker.table("verdicts", 1, turned),
        attacker.table("lineage", 1, lambda frame: frame.with_columns(real_inputs=0.5)),
        attacker.table("samples", 2, attacker.flipped),
    )
    bad = attacker.on_main(lake, change, merged_with(lake, 2))
    assert victim.wrongs(project).keys() == {bad.id}
    found = {(each["round"], each["check"]) for each in victim.proof(project)}
    assert found >= {
        (1, "payload"),
        (1, "suite"),
        (1, "decided"),
        (1, "generated"),
        (2, "columns"),
    }


def test_verdicts_and_decisions_turned_together(project: Project) -> None:
    """And the samples with them: the suite that is stored gives other verdicts."""
    lake = project.lake()
    change = attacker.both(
        attacker.table("verdicts", 2, turned),
        attacker.table("decisions", 2, rejected),
        attacker.table("samples", 2, lambda frame: frame.clear()),
    )
    bad = attacker.on_main(lake, change, merged_with(lake, 2))
    assert victim.wrongs(project).keys() == {bad.id}
    assert "suite" in victim.recomputed(project)
