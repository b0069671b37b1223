"""What the guard judges and what it returns: evidence about a round, figures, and checks.

Evidence may be incomplete or malformed. Reading it never raises; an absent figure is None.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from lineage.manifest import MixManifest

PREFIX: Final = 12
"""Hex digits of a sample id in the evidence; `stemma audit` accepts as many."""
NAMED: Final = 3
"""Samples that the evidence names; the others are counted."""

Verdict = Literal["pass", "warn", "block", "not applicable", "not measured"]
"""What a check says of a figure. A figure that the data cannot have, such as a loss of accuracy on
rows without labels, is not applicable; it never warns and never blocks. A figure that the data
should have and that could not be computed is unknown, and gets the verdict of `Limits.unknown`. A
figure that the release of a round's manifest did not measure, or that needs more rows than there
are, is not measured: it is no objection, and no pass."""
NOT_APPLICABLE: Final = "not applicable"
NOT_MEASURED: Final = "not measured"
UNOBJECTIONABLE: Final[tuple[Verdict, ...]] = ("pass", NOT_APPLICABLE, NOT_MEASURED)
"""Verdicts that are no objection to a round."""
WHOLE: Final = ("depth_max",)
"""Checks of whole numbers; every other figure of 0 or 1 may be a share."""
OBJECTIONS: Final[tuple[Verdict, ...]] = ("block", "warn")
"""Verdicts that are objections, the worst first."""


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check of the guard."""

    name: str
    value: float | None
    """The figure; None if it could not be computed."""
    limit: str
    """The limits as text, such as "warn >0.01, block >0.05"."""
    verdict: Verdict
    evidence: str
    """How the figure came about; it names samples where the check is about samples."""


def told(verdict: str, value: float | None) -> str:
    """The verdict of a check in words: a figure that is not there has not passed.

    Args:
        verdict: as it was given, maybe by an earlier release, which let such a figure pass, or by a
            check of a project's own.
        value: the figure.
    """
    return NOT_MEASURED if verdict == "pass" and value is None else verdict


def figure_text(name: str, value: float | None, verdict: str) -> str:
    """Format the figure of a check: whole numbers as such, others with three decimal places.

    Args:
        name: of the check.
        value: the figure; one that is not there is unknown only where that objects.
        verdict: of the check.
    """
    if value is None:
        return "–" if verdict in UNOBJECTIONABLE else "unknown"
    if float(value).is_integer() and (name in WHOLE or abs(value) > 1):
        return f"{int(value):,}"
    return f"{round(value, 3) + 0.0:,.3f}"


@dataclass(frozen=True, slots=True, eq=False)
class PastRound:
    """What a round left to the rounds after it, as its manifest has it."""

    number: int
    generator: str
    """Kind of its generator, with the digest of what made its rows elsewhere; empty for real
    rows."""
    mix: Mapping[str, Any]
    """The mix that the generator after it would learn from, as `MixManifest`; empty where no stage
    measured one."""
    metrics: Mapping[str, Any]
    """Figures as the stage evaluate wrote them; empty where it did not."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Everything that the guard judges a round by."""

    dataset: str
    round: int
    lineage: pl.DataFrame
    """Lineage rows of the accepted samples."""
    mix: MixManifest
    """The next training mix: the round's own regime, applied with this round included."""
    counts: Mapping[str, Any]
    """Numbers of candidates, accepted, rejected and duplicate."""
    copies: pl.DataFrame
    """Accepted samples equal or near to real training rows: sample_id, row, equal, real_row."""
    leaks: pl.DataFrame
    """Accepted samples equal or near to held-out rows: sample_id, row, equal."""
    metrics: Mapping[str, Any]
    """Figures as the stage evaluate wrote them: round, mix, accuracy, difference; each has value,
    low, high and null. `not_applicable` gives the reason for each section that the data cannot
    have."""
    held_out_ancestors: pl.DataFrame | None = None
    """Occurrences (dataset, round, row) that are equal or near to held-out rows, or descend from
    such rows; None where contamination was not computed."""
    holdout_digest: str | None = None
    """Digest of the hold-out that the real data names; empty where it names none, None where nobody
    looked."""
    real_rounds: Collection[tuple[str, int]] = ()
    """Data set and number of the rounds after round 0 that bring real rows."""
    warned: pl.DataFrame | None = None
    """Accepted samples of which an expectation about rows warns: sample_id, row, and the names of
    the `expectations` that do; None where nobody looked."""
    earlier_leaks: tuple[int, int] | None = None
    """Accepted samples of earlier generated rounds of the data set that equal or nearly equal a
    held-out row, and all of their accepted samples; None where nobody counted."""
    licences: tuple[int, Mapping[str, int]] | None = None
    """Rows that the next mix can take, and those of them without a recorded licence by what they
    are from, the most first; None where nobody looked."""
    calibration: Mapping[str, Any] | None = None
    """Calibration of the verifier: `suite`, the digest of the suite that the round was verified
    with; keep_correct (φ), keep_wrong (ψ), error (p) and threshold (p*), each with value, low and
    high; source, round and kind of the audit; place, digest and signed_by of its file. Where this
    suite was never audited, there is only `suite`. `void`, `unsigned` and `unreadable` count the
    audits that are left out."""
    history: Sequence[PastRound] | None = None
    """This round and those before it, in order; None where no check asks for them."""
    refusals: Mapping[str, int] | None = None
    """Candidates that each critical expectation refuses; None where no check asks for them."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its interval, and how it came about."""

    value: float | None
    low: float | None
    high: float | None
    detail: str
    applies: bool = True
    """Whether the data can have such a figure at all."""
    measured: bool = True
    """Whether somebody tried to compute it, with enough rows."""


def exact(value: float | None, detail: str) -> Figure:
    """Make a figure that is counted, so that its interval has no width."""
    return Figure(value, value, value, detail)


def inapplicable(reason: str) -> Figure:
    """Make a figure that the data cannot have.

    Args:
        reason: why not, for a person.
    """
    return Figure(None, None, None, f"not applicable: {reason}", applies=False)


def unmeasured(reason: str) -> Figure:
    """Make a figure that was not measured.

    Args:
        reason: why not, for a person.
    """
    return Figure(None, None, None, f"not measured: {reason}", measured=False)


def severity(verdict: str | None) -> int:
    """Rank a verdict, the worst first: block, warn, unfamiliar ones, then those that do not object.

    Args:
        verdict: the verdict as it was recorded, maybe by another release; None where there is none.
    """
    if verdict in OBJECTIONS:
        return OBJECTIONS.index(verdict)
    return len(OBJECTIONS) + (verdict in UNOBJECTIONABLE)


def number(content: object, *path: str) -> float | None:
    """Read the finite number at a path of nested mappings; None if there is none."""
    for name in path:
        content = content.get(name) if isinstance(content, Mapping) else None
    if isinstance(content, bool) or not isinstance(content, int | float):
        return None
    try:
        value = float(content)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def mean(frame: pl.DataFrame, column: str) -> float | None:
    """Compute the mean of a column; None if it is absent, empty, or holds a null or no numbers."""
    if column not in frame.columns or frame.is_empty():
        return None
    values = frame[column]
    if not values.dtype.is_numeric() or values.null_count():
        return None
    return number(values.cast(pl.Float64).mean())


def samples(frame: pl.DataFrame) -> str:
    """Name the first samples of a frame by the first digits of their ids."""
    if "sample_id" not in frame.columns or frame.is_empty():
        return ""
    ids = frame["sample_id"].head(NAMED).cast(pl.Binary).bin.encode("hex").str.head(PREFIX)
    more = [f"and {len(frame) - NAMED:,} more"] if len(frame) > NAMED else []
    return ", ".join([*(prefix or "without id" for prefix in ids), *more])
