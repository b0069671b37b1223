"""Figures of what a round does that ancestry and shape do not show: labels, copies, classes, style.

They come from metrics that later releases added, so manifests of earlier rounds lack them. A figure
that is absent, or that had too few rows, is not measured: it never blocks and is no pass either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import polars as pl

from lineage import figures
from lineage.evidence import (
    NAMED,
    Evidence,
    Figure,
    exact,
    inapplicable,
    number,
    samples,
    unmeasured,
)

ABSENT = (
    "the stage evaluate of its release did not measure it, or there were too few rows, or none that"
    " differ"
)

NO_LIKELIHOOD = (
    "the models of the task give no probabilities, or the stage evaluate of its release did not"
    " measure them"
)


def excess(evidence: Evidence, name: str, what: str) -> Figure:
    """Share of rows beyond the share that real rows have, with the interval of the difference.

    That of two shares with intervals of their own is Newcombe's (1998, method 10).

    Args:
        evidence: the evidence.
        name: name of the metric of the round.
        what: what the rows are, for a person.
    """
    names = ("value", "low", "high", "null", "null_low", "null_high")
    value, low, high, null, null_low, null_high = _of_round(evidence, name, *names)
    if value is None or low is None or high is None or null is None:
        return _absent(evidence, name)
    null_low, null_high = (null if end is None else end for end in (null_low, null_high))
    below = math.hypot(value - low, null_high - null)
    above = math.hypot(high - value, null - null_low)
    difference = value - null
    low, high = difference - below, difference + above
    detail = f"{value:.3f} of the accepted rows {what}; of real rows {null:.3f}"
    ends = " to ".join(f"{round(end, 3) + 0.0:.3f}" for end in (low, high))
    return Figure(difference, low, high, f"{detail}; 95 % of the difference {ends}")


def copies(evidence: Evidence, name: str, what: str) -> Figure:
    """Share of rows that are copies, beyond that of real rows and beyond edits that say so.

    Lineage names the sample that an edited row was made of, so an edit is no copy that passes for
    new. Which rows are copies is not known here: as many as there are edits are taken for these.
    """
    found = excess(evidence, name, what)
    edited = int(evidence.lineage.select((pl.col("kind") == "edited").sum()).item())
    if found.value is None or not edited:
        return found
    share = edited / len(evidence.lineage)
    value, low, high = (
        None if end is None else max(end - share, 0.0)
        for end in (found.value, found.low, found.high)
    )
    return Figure(value, low, high, f"{found.detail}; lineage names {share:.3f} as edits of others")


def holdout_leaning(evidence: Evidence) -> Figure:
    """Share of accepted rows that are nearer to the hold-out than to as many training rows."""
    value, low, high = _of_round(evidence, "holdout_leaning", "value", "low", "high")
    if value is None or low is None or high is None:
        return _absent(evidence, "holdout_leaning")
    detail = "of the accepted rows are nearer to the hold-out than to as many training rows"
    return Figure(value, low, high, f"{value:.3f} {detail}; by chance 0.5")


def of_class(evidence: Evidence, name: str, what: str) -> Figure:
    """A figure of the class where it is least, as a ratio to that of real rows.

    A share and a variance have an interval, a variance of an earlier release and a coverage none.
    """
    value, low, high = _of_round(evidence, name, "value", "low", "high")
    if value is None:
        return _absent(evidence, name)
    entry = evidence.metrics["round"][name]
    told = entry if isinstance(entry, Mapping) else {}
    detail = f"class {told.get('of', '?')} has {value:.2f} of the {what} of real rows"
    measured, among = number(told, "measured"), number(told, "among")
    if measured is not None and among is not None and measured < among:
        detail += f"; {measured:.0f} of {among:.0f} classes have enough rows to be measured"
    if low is None or high is None:
        return exact(value, detail)
    return Figure(value, low, high, f"{detail}; 95 % {low:.2f} to {high:.2f}")


def content_of_class(evidence: Evidence, name: str, what: str) -> Figure:
    """The same without style; not measured where that is of fewer classes, as of fewer rows."""
    of_all, found = (
        number(evidence.metrics, "round", each, "measured") for each in (name, f"content_{name}")
    )
    if of_all is not None and (found is None or found < of_all):
        return unmeasured(ABSENT)
    return of_class(evidence, f"content_{name}", what)


def rare_recall(evidence: Evidence, name: str = "rare_recall") -> Figure:
    """Recall of rare modes, as a ratio to what as many real rows reach."""
    value, null = _of_round(evidence, name, "value", "null")
    if value is None or null is None or null <= 0:
        return _absent(evidence, name)
    detail = f"{value:.2f} of the rarest real rows are reached; as many real rows reach {null:.2f}"
    return exact(value / null, detail)


def second_loss(evidence: Evidence) -> Figure:
    """Loss against real data alone, by models of another family."""
    if not _has_second(evidence):
        return _no_second(evidence)
    return figures.loss(_second(evidence), "real_only")


def second_drop(evidence: Evidence) -> Figure:
    """The same as measured; 0 while chance alone may explain it."""
    return figures.drop(_second(evidence)) if _has_second(evidence) else _no_second(evidence)


def pooled_loss(evidence: Evidence) -> Figure:
    """Loss since round 0, on average over both families of models.

    It is the loss against training on real rows alone, which is the mix of round 0, so losses of
    many rounds add up in it. Where its interval holds none but losses, its low end is the loss
    itself: until then chance may explain it. An interval that ends at 0 is that of one to three
    rows that are lost and none that is gained.
    """
    if not _has_second(evidence):
        return _no_second(evidence)
    if "pooled" not in evidence.metrics["second"]:
        return unmeasured("no two families of models were judged by the same share of rows")
    return _beyond_chance(
        evidence, ("second", "pooled", "real_only"), "both families have lost {} since round 0"
    )


def likelihood_loss(evidence: Evidence) -> Figure:
    """Loss since round 0 of the probability that the task's models give to right labels.

    It is held against limits as the loss of both families is. A task of one's own may have a figure
    of this name, which compares nothing.
    """
    given = evidence.metrics.get("likelihood", {})
    if isinstance(given, Mapping) and "difference" not in given:
        reason = figures.inapplicable_because(evidence, "second")  # Rows without classes: neither.
        return unmeasured(NO_LIKELIHOOD) if reason is None else inapplicable(reason)
    return _beyond_chance(
        evidence,
        ("likelihood", "difference", "real_only"),
        "right labels have lost {} of their probability since round 0",
    )


def _beyond_chance(evidence: Evidence, path: tuple[str, ...], words: str) -> Figure:
    """A loss whose low end is the loss itself once its interval holds none but losses."""
    ends = (number(evidence.metrics, *path, part) for part in ("value", "low", "high"))
    value, low, high = ends
    if value is None or low is None or high is None:
        return exact(None, figures.MISSING)
    interval = f"95 % {0.0 - high:.4f} to {0.0 - low:.4f}"
    detail = f"{words.format(f'{0.0 - value:.4f}')}, {interval}"
    return Figure(-value, -value if high < 0 else -high, -low, detail)


def warned_rows(evidence: Evidence) -> Figure:
    """Share of accepted rows of which an expectation about rows warns."""
    warned, total = evidence.warned, len(evidence.lineage)
    if warned is None or not total:
        return unmeasured("verdicts of the round were not read")
    rows = warned.unique("row", maintain_order=True)
    named = samples(rows)
    detail = f"{len(rows):,} of {total:,} accepted rows have a warning of the suite"
    return exact(len(rows) / total, f"{detail}: {named}" if named else detail)


def content(evidence: Evidence, name: str) -> Figure:
    """Ratio of a shape figure of the round to its null, without the style of rows.

    Its interval has no width where none was measured.
    """
    value, low, high, null = _of_round(evidence, f"content_{name}", "value", "low", "high", "null")
    if value is None or null is None or null <= 0:
        return unmeasured(ABSENT)
    low, high = (value if end is None else end for end in (low, high))
    detail = f"{without_style(evidence)} {value / null:.2f}"
    return Figure(value / null, low / null, high / null, detail)


def without_style(evidence: Evidence) -> str:
    """How style is taken out of the rows of a round, in words for a person."""
    if evidence.metrics.get("embedder"):
        return "in the colours of the real rows"
    return "without brightness and contrast of each row"


def _of_round(evidence: Evidence, name: str, *parts: str) -> list[float | None]:
    return [number(evidence.metrics, "round", name, part) for part in parts]


def _absent(evidence: Evidence, name: str) -> Figure:
    """A figure of the round that is not there: the data cannot have it, or nobody measured it."""
    reasons = (figures.inapplicable_because(evidence, section) for section in ("round", name))
    reason = next((each for each in reasons if each is not None), None)
    return unmeasured(ABSENT) if reason is None else inapplicable(reason)


REMEDY: Final = "ingest.licence, service.licence and file.licence"
"""Settings that record a licence."""


def licence_missing(evidence: Evidence) -> Figure:
    """Share of the rows that the next mix can take of which no licence is recorded."""
    if evidence.licences is None:
        return unmeasured("nobody looked for licences")
    rows, found = evidence.licences
    if not rows:
        return exact(None, figures.MISSING)
    lacking = sum(found.values())
    named = [f"{name} {count:,}" for name, count in list(found.items())[:NAMED]]
    more = [f"{len(found) - NAMED:,} more"] if len(found) > NAMED else []
    listed = f": {', '.join([*named, *more])} ({REMEDY} record one)" if found else ""
    return exact(lacking / rows, f"no licence is recorded of {lacking:,} of {rows:,} rows{listed}")


def _has_second(evidence: Evidence) -> bool:
    return isinstance(evidence.metrics.get("second"), Mapping)


def _no_second(evidence: Evidence) -> Figure:
    reason = figures.inapplicable_because(evidence, "second")
    if reason is not None:
        return inapplicable(reason)
    return unmeasured("no second family of models was trained")


def _second(evidence: Evidence) -> Evidence:
    """The evidence with the figures of the second family in place of the first."""
    second: Mapping[str, Any] = evidence.metrics["second"]
    return replace(evidence, metrics=second)
