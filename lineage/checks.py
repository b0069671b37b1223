"""The guard's rules: which figure is judged by which limits, and on which side.

A rule's limits are the fields of `Limits` that begin with its `least` or `most` and end in `_warn`
and `_block`. Downstream losses and tail masses rest on few rows, so a block needs evidence beyond
chance: the end of the figure's interval that favours the round must violate the limit
(`downstream_drop` blocks by the loss itself once that end is a loss). A warning uses the figure
itself, or the same end where the figure rests on very few rows (`lenient`). A loss warns once its
interval holds none but losses, and a variance once its interval does not reach what the limits
allow (`excused`). Recall and coverage are steady enough to be compared as they are, as is a
variance that blocks, and counted figures have no interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from lineage import calibrated, figures, leniency, round_figures, schema
from lineage.bounds import NO_LIMIT, Bounds, bounds, words
from lineage.evidence import (
    NOT_APPLICABLE,
    NOT_MEASURED,
    UNOBJECTIONABLE,
    Check,
    Evidence,
    Figure,
    Verdict,
    exact,
)
from lineage.limits import Limits

SHAPES: Final = ("recall", "coverage", "variance", "tail")
STYLE: Final = "that is style and not content"
MISLABELLED: Final = "have another label than their nearest training rows"
MEMORISED: Final = "are far nearer to one training row than to any other"
CLOSER: Final = "are far nearer to the hold-out than to training rows, or the other way round"
OF_CLASSES: Final = {
    "class_share": "share",
    "class_coverage": "coverage",
    "class_variance": "variance",
}
BLOCKS_BY_ITS_END: Final = ("class_variance",)
"""Of these, a warning takes the figure itself, and a block the end of its interval."""
SELECTED: Final = ("class_share", "rare_recall", *(f"{name}_round" for name in SHAPES))
"""Checks that a selection which shapes the data would show in."""
UNSELECTED: Final = (
    "the accepted rows have the classes, the rare modes and the shape of real rows all the same"
)
WORST_FIRST: Final[tuple[Verdict, ...]] = ("block", "warn", "pass")


@dataclass(frozen=True, slots=True)
class Rule:
    """One check of the guard: a figure, and the stems of its lower and upper limits."""

    name: str
    figure: Callable[[Evidence], Figure]
    least: str | None = None
    most: str | None = None
    lenient: bool = False
    only_warns: Callable[[Evidence, Limits], bool] | None = None
    """Whether a block of this check is reduced to a warning."""
    only_warns_because: str = ""
    """Why, in words for a person."""
    absent: Callable[[Evidence, Limits], Verdict | None] | None = None
    """The verdict where there is no figure because nothing was measured; None where it was."""
    excused: Callable[[Check, Evidence, Limits], str] | None = None
    """Why a warning of this check is none, in words for a person; empty where it is one."""
    style: Callable[[Evidence, Limits], str] | None = None
    """Says that a change of style alone moves it, in words for a person; empty where none does: a
    block is a warning then, and a warning passes."""


def check(rule: Rule, evidence: Evidence, limits: Limits) -> Check:
    """Judge a figure against its limits; never raises, whatever the evidence holds."""
    result = hold(rule, _figure(rule, evidence), limits)
    other = rule.absent(evidence, limits) if rule.absent is not None else None
    softened = rule.only_warns is not None and rule.only_warns(evidence, limits)
    if result.verdict == "block" and result.value is not None and softened:
        reason = f"; {rule.only_warns_because}" if rule.only_warns_because else ""
        result, other = replace(result, evidence=f"{result.evidence}{reason}"), "warn"
    objects = limits.style == "warn" and result.verdict not in UNOBJECTIONABLE
    told = rule.style(evidence, limits) if rule.style is not None and objects else ""
    if told:
        milder: Verdict = "warn" if (other or result.verdict) == "block" else "pass"
        return replace(result, verdict=milder, evidence=f"{result.evidence}; {told}")
    warns = result.verdict == "warn" and result.value is not None
    excuse = rule.excused(result, evidence, limits) if rule.excused and warns else ""
    if excuse:
        return replace(result, verdict="pass", evidence=f"{result.evidence}; {excuse}")
    return result if other is None else replace(result, verdict=other)


def hold(rule: Rule, figure: Figure, limits: Limits) -> Check:
    """Judge a figure against the limits of a rule, regardless of the rest of the evidence."""
    least, most = bounds(limits, rule.least), bounds(limits, rule.most)
    verdict = _verdict(figure, least, most, limits, lenient=rule.lenient)
    told = f"{figure.detail}{_decided(figure, least, most, verdict)}"
    return Check(rule.name, figure.value, words(least, most), verdict, told)


def _figure(rule: Rule, evidence: Evidence) -> Figure:
    """Compute a figure; it is unknown where a frame lacks a column that it needs."""
    try:
        return rule.figure(evidence)
    except schema.UNREADABLE as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        return exact(None, f"{figures.MISSING}: {reason}")


def worst(verdicts: list[Verdict]) -> Verdict:
    """Return the worst of some verdicts; pass if none of them is about a figure that applies."""
    judged = [verdict for verdict in verdicts if verdict not in (NOT_APPLICABLE, NOT_MEASURED)]
    return min(judged, key=WORST_FIRST.index, default="pass")


def _verdict(
    figure: Figure, least: Bounds, most: Bounds, limits: Limits, *, lenient: bool
) -> Verdict:
    if not figure.applies:
        return NOT_APPLICABLE
    if not figure.measured:
        return NOT_MEASURED
    if figure.value is None or figure.low is None or figure.high is None:
        return _unknown(least, most, limits)
    value, low, high = figure.value, figure.low, figure.high
    if _below(high, least.block) or _below(-low, _negative(most.block)):
        return "block"
    at_least, at_most = (high, low) if lenient else (value, value)
    if _below(at_least, least.warn) or _below(-at_most, _negative(most.warn)):
        return "warn"
    return "pass"


def _decided(figure: Figure, least: Bounds, most: Bounds, verdict: Verdict) -> str:
    """Say which end of an interval decided, where the figure itself looks worse than its verdict.

    Returns:
        The end of a sentence; empty where the figure violates no limit that its verdict tells not.
    """
    value, low, high = figure.value, figure.low, figure.high
    if value is None or low is None or high is None or verdict not in WORST_FIRST:
        return ""
    below = _violated(value, least)
    seen = below or _violated(-value, Bounds(_negative(most.warn), _negative(most.block)))
    if seen is None or WORST_FIRST.index(seen) >= WORST_FIRST.index(verdict):
        return ""
    end = high if below else low
    return f"; what decides is the end of its 95 % interval, {end:.3f}, which favours the round"


def _violated(value: float, least: Bounds) -> Verdict | None:
    """The worst limit of a lower side that a value violates; None: it violates none."""
    if _below(value, least.block):
        return "block"
    return "warn" if _below(value, least.warn) else None


def _unknown(least: Bounds, most: Bounds, limits: Limits) -> Verdict:
    """Return the verdict on an unknown figure: warn where no limit blocks, and never pass."""
    if least.block is not None or most.block is not None:
        return limits.unknown
    return "warn" if least.warn is not None or most.warn is not None else NOT_MEASURED


def _below(value: float, limit: float | None) -> bool:
    return limit is not None and value < limit


def _negative(limit: float | None) -> float | None:
    return None if limit is None else -limit


def _of_shape(evidence: Evidence, limits: Limits) -> str:
    """Say that the shape of the round is that of real rows once style is taken out, if it is."""
    held = (
        hold(_shape("round", name), round_figures.content(evidence, name), limits)
        for name in SHAPES
    )
    if not all(item.verdict == "pass" and item.value is not None for item in held):
        return ""
    without = round_figures.without_style(evidence)
    return f"{STYLE}: {without} recall, coverage, variance and tail are those of real rows"


def _within(
    stem: str, figure: Callable[[Evidence], Figure], *, lenient: bool = True
) -> Callable[[Evidence, Limits], str]:
    """Build what says that a figure is within limits once style is taken out, if it is.

    Args:
        stem: of the limits, of which the figure may not be less.
        figure: the figure without style.
        lenient: as of the rule that it is for.
    """

    def told(evidence: Evidence, limits: Limits) -> str:
        item = hold(Rule(stem, figure, least=stem, lenient=lenient), figure(evidence), limits)
        same = item.verdict == "pass" and item.value is not None
        without = round_figures.without_style(evidence)
        return f"{STYLE}: it is {item.value:.2f} {without}" if same else ""

    return told


def _kept_shape(result: Check, evidence: Evidence, limits: Limits) -> str:  # noqa: ARG001  as any
    """Say that a suite which refused much has left the shape of the round, if it has.

    What a selection does to a round shows in its classes, its rare modes and its shape. A check
    without a limit passes and shows nothing, and one that chance excuses does not show it absent.
    """
    rules = {rule.name: replace(rule, excused=None) for rule in RULES}
    held = {name: check(rules[name], evidence, limits) for name in SELECTED}
    limited = all(item.limit != NO_LIMIT for item in held.values())
    told = held.pop("class_share").verdict
    kept = told in ("pass", NOT_APPLICABLE) and {each.verdict for each in held.values()} == {"pass"}
    return UNSELECTED if limited and kept else ""


def _no_copies(result: Check, evidence: Evidence, limits: Limits) -> str:  # noqa: ARG001  as any
    """Say that rows which the suite finds too near to training rows are no copies, if none are.

    Near rows stand for copies, and `memorised_ratio` measures these against real rows. Here it is
    taken with edits that lineage names: beside as many of them copies would not show.
    """
    if not leniency.only_near(evidence, limits):
        return ""
    rules = {rule.name: rule for rule in RULES}
    with_edits = partial(round_figures.excess, name="memorised_ratio", what=MEMORISED)
    seen = (rules["memorised"], replace(rules["memorised_ratio"], figure=with_edits))
    held = [check(rule, evidence, limits) for rule in seen]
    kept = all(item.verdict == "pass" and item.limit != NO_LIMIT for item in held)
    return leniency.NO_COPIES if kept else ""


def _shape(part: str, name: str) -> Rule:
    """Build the rule of a shape figure of the round or of the mix."""
    stem = f"{name}_{part}"
    two_sided, few = name in ("variance", "tail"), name == "tail"
    return Rule(
        stem,
        partial(figures.ratio, part=part, name=name, interval=few),
        least=f"{stem}_low" if two_sided else stem,
        most=f"{stem}_high" if two_sided else None,
        lenient=few,
        style=_of_shape if part == "round" else None,
        excused=leniency.varied_by_chance if name == "variance" else None,
    )


def _lenient(name: str, figure: Callable[[Evidence], Figure]) -> Rule:
    """Build the rule of a figure of which there may not be too much, of very few rows."""
    return Rule(name, figure, most=name, lenient=True)


CALIBRATION: Final = Rule(
    "verifier_calibration",
    calibrated.figure,
    most="verifier_calibration",
    absent=calibrated.absent,
)

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "real_share",
        figures.real_share,
        least="real_share",
        only_warns=leniency.is_shallow,
        only_warns_because=leniency.SHALLOW,
    ),
    Rule("depth_mean", figures.depth_mean, most="depth_mean"),
    Rule("depth_max", figures.depth_max, most="depth_max"),
    Rule("real_inputs", figures.real_inputs, least="real_inputs"),
    Rule("real_inputs_low", figures.real_inputs_low, least="real_inputs_low"),
    Rule("opaque_roots", figures.opaque_roots, most="opaque_roots"),
    Rule("memorised", figures.memorised, most="memorised"),
    Rule("duplicates", figures.duplicates, most="duplicates"),
    Rule("acceptance", figures.acceptance, least="acceptance", excused=_kept_shape),
    Rule("holdout_equal", figures.holdout_equal, most="holdout_equal"),
    Rule("holdout_near", figures.holdout_near, most="holdout_near", excused=leniency.few_by_chance),
    Rule("holdout_ancestry", figures.holdout_ancestry, most="holdout_ancestry"),
    CALIBRATION,
    *(
        Rule(name, partial(figures.loss, other=other), most=name, excused=leniency.lost_by_chance)
        for name, other in leniency.LOSSES.items()
    ),
    Rule("downstream_drop", figures.drop, most="downstream_drop"),
    *(_shape(part, name) for name in SHAPES for part in ("round", "mix")),
    *(
        replace(rule, only_warns=leniency.has_network, only_warns_because=leniency.NETWORK)
        if rule.name.startswith(leniency.OF_SMALL_IMAGES)
        else rule
        for rule in (
            Rule(
                "label_errors",
                partial(round_figures.excess, name="label_errors", what=MISLABELLED),
                most="label_errors",
                lenient=True,
            ),
            Rule(
                "downstream_second",
                round_figures.second_loss,
                most="downstream_real",
                lenient=True,
            ),
            Rule("downstream_second_drop", round_figures.second_drop, most="downstream_drop"),
            _lenient("downstream_pooled", round_figures.pooled_loss),
            _lenient("downstream_likelihood", round_figures.likelihood_loss),
            Rule(
                "memorised_ratio",
                partial(round_figures.copies, name="memorised_ratio", what=MEMORISED),
                most="memorised_ratio",
            ),
            _lenient("holdout_leaning", round_figures.holdout_leaning),
            _lenient(
                "holdout_closer",
                partial(round_figures.excess, name="holdout_closer", what=CLOSER),
            ),
            *(
                Rule(
                    name,
                    partial(round_figures.of_class, name=name, what=what),
                    least=name,
                    lenient=name not in BLOCKS_BY_ITS_END,
                    style=_within(
                        name,
                        partial(round_figures.content_of_class, name=name, what=what),
                        lenient=name not in BLOCKS_BY_ITS_END,
                    ),
                )
                for name, what in OF_CLASSES.items()
            ),
        )
    ),
    Rule(
        "rare_recall",
        round_figures.rare_recall,
        least="rare_recall",
        style=_within(
            "rare_recall", partial(round_figures.rare_recall, name="content_rare_recall")
        ),
    ),
    Rule("warned_rows", round_figures.warned_rows, most="warned_rows", excused=_no_copies),
    Rule("holdout_near_rounds", figures.holdout_near_rounds, most="holdout_near", lenient=True),
    Rule("licence_missing", round_figures.licence_missing, most="licence_missing"),
)
"""All checks, in the order in which they are listed."""
