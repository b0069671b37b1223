"""Give the verdicts of a round again from its verify commit: candidates, scores and suite.

Real rows that the suite compares candidates with are those of the commit on which the round's
generator was fitted; their scores were stored with the suite.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from expectations import versions
from expectations.suite import Suite
from lake.client import Lake
from lake.values import Commit
from pipelines import modalities
from pipelines.common.errors import DataError
from pipelines.modalities.registry import MODALITIES
from pipelines.rounds import manifest, tables
from pipelines.rounds.metadata import StageMetadata
from pipelines.verification import stored_suite

SHORT: Final = 12
EXPECTATION: Final = "expectation "
"""Start of the names of expectation types among versions."""
NO_SUITE: Final = "the release that gave these verdicts stored no suite with them"


def judge(lake: Lake, verified: Commit, dataset: str, number: int) -> pl.DataFrame | str:
    """Give the verdicts of a round again.

    Args:
        lake: the lake.
        verified: the round's verify commit.
        dataset: the data set.
        number: the round.

    Returns:
        Verdicts, as `lineage.schema.VERDICTS`; or, in words, why they cannot be given again.

    Raises:
        DataError: the stored suite is not the one that the manifest names.
        ExpectationsError: it is no suite, or cannot judge these candidates.
        NotFoundError: the commit lacks candidates, scores or lineage.
        SchemaError: one of them cannot be read.
    """
    suite = stored_suite.read(lake, verified.id, dataset, number)
    if suite is None:
        return NO_SUITE
    recorded, real = (manifest.read(lake, verified.id, dataset, round_) for round_ in (number, 0))
    named = str(recorded["verdicts"].get("suite"))
    if suite.digest != named:
        raise DataError(
            f"the stored suite has the digest {suite.digest[:SHORT]}, and the manifest names "
            f"{named[:SHORT]}"
        )
    outdated = _outdated(verified, suite, str(real.get("modality", "image")))
    if outdated is not None:
        return outdated
    # Great Expectations takes seconds to import, and rounds of earlier releases need nothing of it.
    from pipelines.verification import judging  # noqa: PLC0415

    rows, lineage, scores = (
        tables.read_round(lake, verified.id, dataset, table, number)
        for table in ("candidates", "lineage", "scores")
    )
    modality = modalities.recorded(real)
    scored = judging.Scored(modality.shown(rows), scores)
    if judging.compares(suite):
        fitted_on = str(recorded["mix"]["commit"])
        compared = tables.real_samples(lake, fitted_on, dataset)
        scored = replace(
            scored,
            real=modality.shown(compared),
            real_scores=stored_suite.real_scores(lake, verified.id, dataset, number),
        )
    return judging.judge(suite, scored, lineage).verdicts


def _outdated(verified: Commit, suite: Suite, modality: str) -> str | None:
    """Say which versions the verdicts depend on that are not those of this release; None: none."""
    metadata = StageMetadata.from_commit(verified)
    then = metadata.key.versions if metadata is not None and metadata.key is not None else {}
    now = versions.of_suite(suite) | MODALITIES.versions([modality])
    gone = [name for name in then if name.startswith(EXPECTATION) and name not in now]
    differing = [name for name in now if then.get(name) != now[name]]
    other = [f"{name} {then.get(name, 'unknown')}" for name in (*differing, *gone)]
    if not other:
        return None
    return f"other versions than those of this release gave these verdicts: {', '.join(other)}"
