"""Real rows of a seed: what trains, what is withheld as candidates, what judges and measures.

The rows that train and those that are held out are set up as `stemma dataset add` would: its suite,
its scorers and its limits. The withheld rows are what an ideal generator would make; the test rows
measure harm, and neither suite nor guard sees them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.crafted.added.craft import Craft
from expectations import suite as suites
from expectations.suite import Suite
from lineage.identity import sample_ids
from pipelines import params
from pipelines.common.seeds import derive_seed
from pipelines.common.settings import parse
from pipelines.project import dataset_entry
from pipelines.rounds import real_data

TEST: Final = 0.3
WITHHELD: Final = 0.25
FOLDER: Final = Path("sources")
"""Where sources are written."""
LABEL: Final = "label"


@dataclass(frozen=True)
class AddedWorld:
    """A data set with a split of its own by each seed."""

    craft: Craft
    seed: int

    @property
    def dataset(self) -> str:
        """The name of the data set."""
        return f"{self.craft.name}_{self.seed}"

    @property
    def settings(self) -> params.Dataset:
        """What `dataset add` writes into params.yaml."""
        return self._settings

    @cached_property
    def suite(self) -> Suite:
        """What `dataset add` writes as a suite."""
        return suites.parse(self.plan.suite, self.dataset)

    @cached_property
    def real(self) -> pl.DataFrame:
        """Rows that train."""
        return self._split("train")

    @cached_property
    def validation(self) -> pl.DataFrame:
        """Held-out rows that gate."""
        return self._split("validation")

    @cached_property
    def held_out(self) -> pl.DataFrame:
        """All held-out rows."""
        return self._split("validation", "test")

    @cached_property
    def withheld(self) -> pl.DataFrame:
        """Payload of the rows that stand for an ideal generator's."""
        return self._parts[1]

    @cached_property
    def test(self) -> pl.DataFrame:
        """Payload of the rows that harm is measured on."""
        return self._parts[0]

    @cached_property
    def lineage(self) -> pl.DataFrame:
        """row, sample_id, source and licence of the rows that train."""
        return self._prepared.lineage.join(self.real, on="row", how="semi")

    @property
    def payload(self) -> list[str]:
        """The columns of a candidate."""
        return self.withheld.columns

    @cached_property
    def classes(self) -> NDArray[Any]:
        """The labels, in order."""
        return self.real[LABEL].unique().sort().to_numpy()

    def points(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """Points of rows, [n, d]."""
        return self.craft.points(rows, self.real)

    @cached_property
    def _parts(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Test rows, withheld rows, and the source of the data set."""
        rows = self.craft.load(self.seed)
        draw = np.random.default_rng(derive_seed(self.seed, self.craft.name, "split"))
        order = draw.permutation(len(rows))
        first, second = (round(share * len(rows)) for share in (TEST, TEST + WITHHELD))
        cut = (order[:first], order[first:second], order[second:])
        test, withheld, source = (rows[np.sort(part)] for part in cut)
        return test, withheld, source

    @cached_property
    def _source(self) -> str:
        FOLDER.mkdir(exist_ok=True)
        place = FOLDER / f"{self.dataset}.parquet"
        if not place.exists():
            own = place.with_suffix(f".{id(self)}.part")
            self._parts[2].write_parquet(own)
            own.replace(place)
        return str(place)

    @cached_property
    def plan(self) -> dataset_entry.Plan:
        """What `dataset add` writes."""
        return dataset_entry.plan(self.dataset, self._source, self.craft.choice)

    @cached_property
    def _settings(self) -> params.Dataset:
        return parse(params.Dataset, dict(self.plan.entry), self.dataset)

    @cached_property
    def _prepared(self) -> real_data.Prepared:
        return real_data.prepare(self.settings)

    @cached_property
    def _rows(self) -> pl.DataFrame:
        return self._prepared.rows.with_columns(pl.lit(0, pl.Int32).alias("round"))

    def _split(self, *names: str) -> pl.DataFrame:
        return self._rows.filter(pl.col("split").is_in(names))


def ids(world: AddedWorld, rows: pl.DataFrame) -> pl.Series:
    """Ids of the content of rows."""
    return sample_ids(rows, world.settings.identity)
