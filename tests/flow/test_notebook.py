"""A version for whoever analyses it: the tables as lazy frames, figures and charts."""

from __future__ import annotations

import subprocess
import sys

import polars as pl
import pytest

import stemma
from lake import refs
from lake.errors import NotFoundError
from lineage import schema
from review.errors import UsageError
from tests.flow.projects import Project

pytestmark = pytest.mark.slow  # many rounds of its own; some of each kind are tested every day


@pytest.mark.usefixtures("unchanged")
def test_a_version_has_its_tables_as_lazy_frames() -> None:
    version = stemma.open("tiny-v1")
    assert version.dataset == "tiny"
    assert isinstance(version.samples, pl.LazyFrame)
    samples = version.samples.collect()
    assert samples["round"].unique().sort().to_list() == [0, 1]
    assert version.lineage.collect_schema().names() == list(schema.LINEAGE)
    decided = version.decisions.filter(pl.col("decision") == "accepted").collect()
    assert len(decided) == len(samples.filter(pl.col("round") == 1))
    assert len(version.verdicts.select("row").unique().drop_nulls().collect()) == 24
    with pytest.raises(NotFoundError, match="nowhere"):
        version.table("nowhere").collect()


@pytest.mark.usefixtures("unchanged")
def test_figures_and_charts_are_those_of_the_rounds() -> None:
    version = stemma.open("main")
    assert [entry["round"] for entry in version.rounds] == [0, 1, 2]
    assert version.figures["round"].to_list() == [1, 2]
    assert version.figures["accuracy_mix"].is_between(0, 1).all()
    drawn = version.charts("dark")
    assert {"downstream", "coverage", "depth", "cost"} <= set(drawn)
    assert drawn["depth"].to_dict()["width"] > 0
    earlier = stemma.open("tiny-v1", "tiny")
    assert [entry["round"] for entry in earlier.rounds] == [0, 1]


@pytest.mark.usefixtures("unchanged")
def test_what_is_not_there_is_said() -> None:
    with pytest.raises(NotFoundError):
        stemma.open("tiny-v9")
    with pytest.raises(NotFoundError, match="main holds no digits; it holds tiny"):
        stemma.open("main", "digits")


def test_rounds_of_an_earlier_release_lack_columns(copied: Project) -> None:
    lake = copied.lake()
    lake.set_branch("earlier", lake.resolve("main").id)
    stored = lake.scan("earlier", refs.partition("tiny", "decisions", 1)).collect()
    path = refs.part("tiny", "decisions", 1)
    lake.write("earlier", path, stored.drop("columns_digest"))
    lake.commit("earlier", "Decide as the release before", {})
    decided = stemma.open("earlier", "tiny").decisions.collect()
    assert decided.schema == schema.DECISIONS
    stated = decided.group_by("round").agg(pl.col("columns_digest").is_not_null().all())
    assert dict(stated.iter_rows()) == {1: False, 2: True}


def test_a_ref_of_several_data_sets_wants_a_name(copied: Project) -> None:
    lake = copied.lake()
    lake.set_branch("both", lake.resolve("main").id)
    frame = pl.DataFrame({"round": [0], "row": [0]})
    lake.write("both", "other/samples/round=000/part-00000.parquet", frame)
    lake.commit("both", "Another data set", {})
    with pytest.raises(UsageError, match="both holds other, tiny; name one of them"):
        stemma.open("both")
    assert stemma.open("both", "tiny").dataset == "tiny"


@pytest.mark.usefixtures("unchanged")
def test_two_versions_are_compared_as_the_command_does() -> None:
    diff = stemma.diff("tiny-v1", "tiny-v2")
    assert diff.dataset == "tiny"
    assert diff.changes["added"] > 0
    assert stemma.diff("tiny-v1", "main", columns=False).changes == diff.changes
    assert stemma.diff("main", "main").identical
    with pytest.raises(NotFoundError):
        stemma.diff("tiny-v1", "tiny-v9")
    with pytest.raises(NotFoundError, match="holds no digits"):
        stemma.diff("tiny-v1", "tiny-v2", "digits")
    with pytest.raises(UsageError, match="has no column 'nothing'"):
        stemma.diff("tiny-v1", "tiny-v2", key=["nothing"])


def test_the_command_does_not_load_it() -> None:
    code = "import sys, review.cli.app; sys.exit('review.notebook' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
