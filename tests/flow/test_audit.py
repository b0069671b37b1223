"""Where a sample came from and what came from it, in a lake with several data sets."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lakefs_sdk
import numpy as np
import polars as pl
import pytest
from PIL import Image

import stemma
from lake.client import Lake
from lake.errors import NotFoundError
from lineage.errors import QueryError
from pipelines.features import images
from pipelines.rounds import manifest, superseded, tables
from review.commands import audit, descendants
from review.errors import ReviewError, UsageError
from tests.flow import planted
from tests.flow.projects import Project, copy

pytestmark = pytest.mark.usefixtures("project")
Json = dict[str, Any]


@pytest.fixture(scope="module")
def project(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Two rounds of `tiny`, and captions and pictures that were made from each other."""
    made = copy(published, tmp_path_factory.mktemp("audit") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.root)
        plant(made.lake())
        yield made
    made.drop_lake()


def plant(lake: Lake) -> None:
    planted.real(lake, "captions", 3, "CC-BY-4.0")
    planted.real(lake, "pictures", 2, None)
    planted.real(lake, "copies", audit.SHOWN + 2, None, same=True)
    planted.made(
        lake, "pictures", 1, 3,
        [
            (0, "captions", 0, 1, "seed", 0.5),
            (0, "pictures", 0, 0, "seed", 0.25),
            (1, "pictures", 0, 1, "edited", 1.0),
        ],
        planted.mix_of(lake, "pictures"),
    )  # fmt: skip
    planted.made(
        lake, "captions", 1, 3,
        [
            (0, "pictures", 1, 0, "seed", 0.6),
            (0, "pictures", 1, 1, "seed", 0.4),
            (1, "captions", 0, 1, "edited", 0.5),
            (1, "pictures", 1, 0, "seed", 0.25),
        ],
    )  # fmt: skip
    planted.made(
        lake, "pictures", 2, 1,
        [(0, "captions", 1, 0, "seed", 0.5), (0, "captions", 1, 1, "seed", 0.25)],
        planted.mix_of(lake, "pictures", "replace"),
    )  # fmt: skip


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What was printed since it was last asked."""
    capsys.readouterr()
    return lambda: capsys.readouterr().out


def tree_of(sample: str, said: Callable[[], str], **more: object) -> Json:
    audit.run(**({"sample": sample, "ref": "main", "dataset": None, "as_json": True} | more))
    (found,) = json.loads(said())["occurrences"]
    assert isinstance(found, dict)
    return found


def test_a_tree_goes_through_other_data_sets_to_the_real_roots(said: Callable[[], str]) -> None:
    sample = planted.sample_id("pictures", 2, 0)
    found = tree_of(sample, said)
    nodes = {(each["dataset"], each["round"], each["row"]): each for each in found["tree"]}
    assert {at: each["steps"] for at, each in nodes.items()} == {
        ("pictures", 2, 0): 0, ("captions", 1, 0): 1, ("captions", 1, 1): 1,
        ("pictures", 1, 0): 2, ("pictures", 1, 1): 2, ("captions", 0, 1): 2,
        ("pictures", 0, 0): 3, ("pictures", 0, 1): 3,
    }  # fmt: skip
    ends = [
        (parent["dataset"], parent["round"], parent["row"], parent["relation"], parent["weight"])
        for parent in nodes["captions", 1, 1]["parents"]
    ]
    assert ends == [("captions", 0, 1, "edited", 0.5), ("pictures", 1, 0, "seed", 0.25)]
    assert nodes["captions", 1, 1]["rest"] == pytest.approx(0.25)
    assert nodes["captions", 1, 1]["trained_on"] is None
    assert nodes["captions", 0, 1]["licence"] == "CC-BY-4.0"
    assert nodes["captions", 0, 1]["sample_id"] == planted.sample_id("captions", 0, 1)
    assert found["licences"] == {"not stated": 2, "CC-BY-4.0": 1}
    assert found["attribution"] == "planted/1"
    assert found["tag"] == "pictures-v2"


def test_the_licences_of_a_mix_are_counted_also_through_earlier_ones(
    said: Callable[[], str],
) -> None:
    found = tree_of(planted.sample_id("pictures", 2, 0), said)
    replaced, first = sorted(found["mixes"], key=lambda each: each["regime"], reverse=True)
    assert (first["regime"], first["licences"]) == ("accumulate", {"not stated": 2})
    assert (replaced["regime"], replaced["licences"]) == ("replace", {})
    assert replaced["licences_behind"] == {"not stated": 2}
    assert found["mix"]["digest"] == replaced["digest"] == found["trained_on"]


def test_a_tree_for_people_shows_shared_ancestors_once(said: Callable[[], str]) -> None:
    sample = planted.sample_id("pictures", 2, 0)
    audit.run(sample=sample[:12], ref="main", dataset=None, as_json=False)
    shown = said()
    shared = planted.sample_id("pictures", 1, 0)[:12]
    assert shown.count(f"{shared}, pictures, round 1, row 0: synthetic, accepted") == 2
    assert shown.count(f"{shared}, pictures, round 1, row 0: synthetic, accepted, see above") == 1
    root = planted.sample_id("captions", 0, 1)[:12]
    real = f'{root}, captions, round 0, row 1: real, "a text"; source web/[captions]'
    assert f"seed 0.500, {real}" in shown
    assert "edited 1.000" in shown
    assert "opaque: its training data is unknown" in shown
    assert "generator 0.250, 0123456789ab, planted/1" in shown
    assert "real rows behind its synthetic ones, by licence: not stated 2" in shown
    assert "real ancestors by licence: not stated 2, CC-BY-4.0 1" in shown
    assert "more" not in shown


def test_samples_of_the_real_chain_end_at_their_mix(
    project: Project, said: Callable[[], str]
) -> None:
    lineage = tables.read_round(project.lake(), "main", "tiny", "lineage", 2)
    found = tree_of(lineage["sample_id"][3].hex(), said)
    assert [each["steps"] for each in found["tree"]] == [0]
    about = manifest.read(project.lake(), "main", "tiny", 2)
    assert found["environment"] == about["environment"]
    real = about["mix"]["rounds"][0]["rows"]
    assert found["mixes"][0]["licences"] == {"CC0-1.0": real}
    assert found["generator_manifest"]["kind"] == "diffusion/1"


def test_a_data_set_narrows_an_audit(said: Callable[[], str]) -> None:
    sample = planted.sample_id("pictures", 1, 0)
    assert tree_of(sample, said, dataset="pictures")["round"] == 1
    with pytest.raises(NotFoundError, match="no sample"):
        audit.run(sample=sample, ref="main", dataset="captions", as_json=False)
    with pytest.raises(
        UsageError, match="no data set 'picture'; known: captions, copies, pictures, tiny"
    ):
        audit.run(sample=sample, ref="main", dataset="picture", as_json=False)


def test_the_payload_is_shown_and_written_whole(
    said: Callable[[], str], project: Project, tmp_path: Path
) -> None:
    sample = planted.sample_id("captions", 0, 1)
    audit.run(sample=sample, ref="main", dataset=None, as_json=False)
    assert "captions, round 0, row 1: real\ntext: a text\n" in said()
    lake = project.lake()
    (row,) = tables.read_round(lake, "main", "tiny", "samples", 1).head(1).iter_rows(named=True)
    given = {"sample": row["sample_id"].hex(), "ref": "main", "dataset": "tiny"}
    audit.run(**given, as_json=False)
    assert "image: 8 × 8 pixels, a file of" in said()
    found = tree_of(**given, said=said, output=tmp_path / "out")
    label, image = sorted(found["payload"], key=lambda part: part["column"], reverse=True)
    assert label == {"column": "label", "text": str(row["label"])}
    assert image == {"column": "image", "width": 8, "height": 8}
    (png,) = [Path(each) for each in found["files"] if each.endswith(".png")]
    assert png.parent == tmp_path / "out"
    pixels = images.decode(pl.Series([row["image"]], dtype=images.IMAGE))
    with Image.open(png) as written:
        assert np.array_equal(np.asarray(written), pixels[0])
    with pytest.raises(ReviewError, match="is there already"):
        audit.run(**given, as_json=False, output=tmp_path / "out")
    said()


def test_of_many_occurrences_the_first_are_printed(said: Callable[[], str]) -> None:
    sample = planted.sample_id("copies", 0, 0)
    audit.run(sample=sample, ref="main", dataset=None, as_json=False)
    shown = said()
    assert shown.count(sample) == audit.SHOWN
    assert "… 2 more occurrences; --json has them all" in shown
    audit.run(sample=sample, ref="main", dataset=None, as_json=True)
    assert [each["row"] for each in json.loads(said())["occurrences"]] == list(range(7))
    assert ask(said, sample)["occurrences"] == 7


def test_a_sample_of_main_is_not_looked_for_elsewhere() -> None:
    sample = planted.sample_id("pictures", 2, 0)
    with pytest.raises(NotFoundError, match=r"at pictures-v1; it is on main: add --ref main"):
        audit.run(sample=sample, ref="pictures-v1", dataset=None, as_json=False)
    with pytest.raises(
        NotFoundError, match="no sample 00000000 at main, in any round that main held"
    ):
        audit.run(sample="00000000", ref="main", dataset=None, as_json=False)
    with pytest.raises(QueryError, match="give at least 8"):
        audit.run(sample="0000", ref="main", dataset=None, as_json=False)


def ask(said: Callable[[], str], *samples: str, **more: object) -> Json:
    given = {"from_file": None, "ref": "main", "dataset": None, "rows": True, "as_json": True}
    descendants.run(samples=samples, **(given | more))
    found = json.loads(said())
    assert isinstance(found, dict)
    return found


def test_descendants_are_direct_by_edges_and_indirect_by_training(said: Callable[[], str]) -> None:
    found = ask(said, planted.sample_id("pictures", 0, 1))
    rows = [
        (each["dataset"], each["round"], each["row"], each["descent"], each["steps"])
        for each in found["rows"]
    ]
    assert rows == [
        ("pictures", 1, 1, "direct", 1),
        ("captions", 1, 0, "direct", 2),
        ("pictures", 2, 0, "direct", 3),
        ("pictures", 1, 0, "indirect", None),  # its generator learned from the picture
        ("pictures", 1, 2, "indirect", None),
        ("captions", 1, 1, "indirect", None),  # made from an indirect one
    ]
    assert [each["relation"] for each in found["rows"]] == ["hard"] * 3 + ["weak"] * 3
    assert (found["direct"], found["indirect"], found["occurrences"]) == (3, 3, 1)
    assert (found["hard"], found["weak"]) == (3, 3)
    assert found["rounds"] == [
        {"dataset": "captions", "round": 1, "direct": 1, "indirect": 1, "hard": 1, "weak": 1},
        {"dataset": "pictures", "round": 1, "direct": 1, "indirect": 2, "hard": 1, "weak": 2},
        {"dataset": "pictures", "round": 2, "direct": 1, "indirect": 0, "hard": 1, "weak": 0},
    ]
    assert found["rows"][4]["decision"] == "rejected"
    assert found["rows"][0]["sample_id"] == planted.sample_id("pictures", 1, 1)
    only = ask(said, planted.sample_id("pictures", 0, 1), dataset="captions")
    assert [each["dataset"] for each in only["rows"]] == ["captions"] * 2
    assert (only["direct"], only["indirect"]) == (1, 1)


def test_descendants_for_people_are_counted_first(
    said: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = planted.sample_id("pictures", 0, 1)
    given = {"samples": [sample], "from_file": None, "ref": "main", "dataset": None}
    descendants.run(**given, rows=False, as_json=False)
    shown = said()
    assert shown.startswith("1 sample (1 occurrence): 3 direct and 3 indirect descendants")
    assert planted.sample_id("pictures", 1, 1)[:12] not in shown
    monkeypatch.setattr(descendants, "SHOWN", 2)
    descendants.run(**given, rows=True, as_json=False)
    shown = said()
    assert planted.sample_id("pictures", 1, 1)[:12] in shown
    assert "… 4 more rows; --rows --json prints them all" in shown


def test_json_is_written_block_by_block(
    said: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = planted.sample_id("pictures", 0, 1)
    whole = ask(said, sample)
    monkeypatch.setattr(descendants, "BLOCK", 2)
    assert ask(said, sample) == whole
    assert ask(said, planted.sample_id("captions", 0, 2))["rows"] == []


def test_ids_come_from_a_file(
    said: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (planted.sample_id("pictures", 0, row) for row in (0, 1))
    listed = f"# taken down\n\n  {one[:10].upper()}  # a picture\n{other}\n{one[:10]}\n"
    place = tmp_path / "ids"
    place.write_text(listed)
    found = ask(said, from_file=place)
    assert found["samples"] == {one[:10]: 1, other: 1}
    monkeypatch.setattr(sys, "stdin", io.StringIO(listed))
    assert ask(said, from_file=Path("-")) == found
    place.write_text(f"{one}\nffffffffff\nxyz\n")
    with pytest.raises(QueryError, match=f"{place}, line 3: 'xyz' is not a sample id"):
        ask(said, from_file=place)
    place.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="ids cannot be read: it is not text"):
        ask(said, from_file=place)
    with pytest.raises(UsageError, match="nowhere cannot be read: No such file"):
        ask(said, from_file=Path("nowhere"))
    with pytest.raises(UsageError, match="give ids, or a file with --from-file"):
        ask(said)


def test_ids_that_match_nothing_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    one = planted.sample_id("pictures", 0, 0)
    given = {"from_file": None, "ref": "main", "dataset": None, "rows": False, "as_json": False}
    descendants.run(samples=[one, "00000000", "11111111"], **given)
    out, err = capsys.readouterr()
    assert "1 sample (1 occurrence)" in out
    assert "1 of 3 ids match; at main nothing matches 00000000, 11111111" in err
    with pytest.raises(NotFoundError, match="no sample at main matches 00000000, 11111111"):
        descendants.run(samples=["00000000", "11111111"], **given)
    assert capsys.readouterr().out == ""


def test_rounds_that_main_lost_are_told_from_those_it_holds(copied: Project) -> None:
    lake = copied.lake()
    plant(lake)
    assert list(superseded.rounds(lake)) == []
    before = lake.resolve("main").id
    planted.made(lake, "captions", 1, 2, [], version=" again")
    by = lake.resolve("main").id
    lost = [(each.dataset, each.round, each.last, each.by) for each in superseded.rounds(lake)]
    assert lost == [("captions", 1, before, by)]


def test_a_round_that_was_taken_back_is_found_too(copied: Project, said: Callable[[], str]) -> None:
    lake = copied.lake()
    plant(lake)
    revert = lakefs_sdk.RevertCreation(ref=lake.head("main"), parent_number=1)
    lake.connection.call(
        lake.connection.sdk.branches_api.revert_branch, lake.repository, "main", revert
    )
    by = lake.resolve("main").id
    lost = [(each.dataset, each.round, each.by) for each in superseded.rounds(lake)]
    assert lost == [("pictures", 2, by)]
    found = tree_of(planted.sample_id("pictures", 2, 0), said)
    assert (found["superseded_by"], found["tag"]) == (by, "pictures-v2")


def test_a_superseded_sample_is_found_where_main_once_held_it(
    copied: Project, said: Callable[[], str]
) -> None:
    lake = copied.lake()
    old = tables.read_round(lake, "main", "tiny", "lineage", 2)["sample_id"][5].hex()
    published_by = lake.resolve("tiny-v2").id
    copied.edit(lambda found: found["rounds"]["tiny-1"].update(curate={"max_accepted": 20}))
    copied.round("tiny-1", "curate", "evaluate", "publish")
    by = lake.resolve("main").id
    said()
    found = tree_of(old, said)
    assert (found["round"], found["commit"], found["tag"]) == (2, published_by, "tiny-v2")
    assert found["superseded_by"] == by
    assert len(found["verdicts"]) == 5
    audit.run(sample=old, ref="main", dataset="tiny", as_json=False)
    shown = said()
    assert f"not at main: round 2 of tiny was superseded by {by[:12]}" in shown
    assert f"commit {published_by[:12]} (tiny-v2), superseded by {by[:12]}" in shown


def test_from_python_it_is_what_the_command_prints(said: Callable[[], str]) -> None:
    sample = planted.sample_id("pictures", 2, 0)
    (found,) = stemma.audit(sample[:12])
    assert isinstance(found, stemma.SampleProvenance)
    assert found.licences == {"not stated": 2, "CC-BY-4.0": 1}
    printed = tree_of(sample, said)
    assert json.loads(json.dumps(found.to_dict(), default=str))["tree"] == printed["tree"]
    with pytest.raises(NotFoundError):
        stemma.audit("f" * 64)
