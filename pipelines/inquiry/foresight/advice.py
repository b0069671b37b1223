"""What to do next with a data set: by whether real rows are easy to collect, and rows to verify.

Where real rows are easy to collect, a synthetic row has to be worth its cost beside a real one.
Where rows are easy to verify, a generator may fail often, since what fails is refused: training on
what is kept works while the share p of wrong candidates is below p* of the verifier (Feng et al.
2024). Where neither is easy, only rows with exact real parents are safe to add. Accumulation beside
real rows holds in all four cases (Gerstgrasser et al. 2024).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal

from lineage.training_mix import best_weight
from pipelines.inquiry.foresight.evidence import Evidence

Ease = Literal["easy", "hard"]
Z: Final = 1.959963984540054
"""Standard deviations of half a 95 % interval."""
UNKNOWN_HALF: Final = 0.05
"""Half of the interval of p that an audit is to have where nothing is known yet."""
MOST_AUDITED: Final = 4_000
GROUNDED: Final = {"image": "augment", "text": "augment", "table": "interpolation"}
"""Generators whose candidates have exact real parents, by modality."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether something is easy, and why."""

    ease: Ease
    why: str
    given: bool
    """Whether somebody said so; else it follows from the data."""


@dataclass(frozen=True, slots=True)
class Item:
    """One answer, and its evidence."""

    topic: str
    answer: str
    why: str


@dataclass(frozen=True, slots=True)
class Advice:
    """The answers."""

    dataset: str
    collection: Judged
    verification: Judged
    items: tuple[Item, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "dataset": self.dataset,
            "collection": _as_dict(self.collection),
            "verification": _as_dict(self.verification),
            "advice": {each.topic: _as_dict(each) for each in self.items},
        }


def _as_dict(value: Judged | Item) -> dict[str, Any]:
    return {name: getattr(value, name) for name in type(value).__slots__}


def collection(evidence: Evidence, given: Ease | None) -> Judged:
    """Whether real rows are easy to collect: as given, or by whether more of them came."""
    if given is not None:
        return Judged(given, "as you say", given=True)
    if evidence.real_rounds:
        count = evidence.real_rounds
        rounds = "round" if count == 1 else "rounds"
        return Judged("easy", f"{count} {rounds} of real data came after round 0", given=False)
    return Judged("hard", "no round of real data came after round 0", given=False)


def verification(evidence: Evidence, given: Ease | None) -> Judged:
    """Whether rows are easy to verify: as given, by an audit, or by labels of neighbours."""
    if given is not None:
        return Judged(given, "as you say", given=True)
    audit = evidence.audit
    if audit is not None:
        if audit.enough is None:
            why = f"the intervals of p and p* of the last audit ({audit.source}) overlap"
            return Judged("hard", why, given=False)
        sign = "below" if audit.enough else "not below"
        bounds = f"p {_number(audit.error)}, p* {_number(audit.threshold)}"
        why = f"the last audit ({audit.source}) finds p {sign} p*: {bounds}"
        return Judged("easy" if audit.enough else "hard", why, given=False)
    errors, limit = evidence.label_errors, evidence.label_errors_limit
    if not evidence.has_classes:
        why = "no classes, and no audit of what the suite keeps: it sees form, not truth"
        return Judged("hard", why, given=False)
    if errors is None or limit is None:
        why = "no audit, and wrong labels were not measured in the last round"
        return Judged("hard", why, given=False)
    share = f"neighbours find a share of {_number(errors)} wrong labels beyond that of real rows"
    ease: Ease = "easy" if errors <= limit else "hard"
    return Judged(ease, f"no audit yet; {share} (limit {_number(limit)})", given=False)


def advise(evidence: Evidence, collect: Judged, verify: Judged) -> Advice:
    """Answer with generator, verifiers, regime, audit size and cost."""
    items = (
        _generator(evidence, collect, verify),
        _verifiers(evidence, verify),
        _regime(evidence, collect, verify),
        _audit_size(evidence),
        _cost(evidence, collect),
    )
    return Advice(evidence.dataset, collect, verify, items)


def _generator(evidence: Evidence, collect: Judged, verify: Judged) -> Item:
    grounded = GROUNDED.get(evidence.modality, evidence.generator)
    if verify.ease == "easy":
        beside = "few rows, where classes are rare" if collect.ease == "easy" else "many candidates"
        return Item(
            "generator",
            f"{evidence.generator}, {beside}",
            "what it gets wrong is refused, so it may draw freely",
        )
    if evidence.modality == "text" and not evidence.has_classes:
        return Item(
            "generator",
            f"{evidence.generator} with real exemplars (shots), or {grounded}",
            "nobody can tell a false text from a true one, so keep each near to real parents",
        )
    return Item(
        "generator",
        grounded,
        "its candidates have exact real parents, and errors that pass the suite stay close to them",
    )


def _verifiers(evidence: Evidence, verify: Judged) -> Item:
    labels = "label agreement critical" if evidence.has_classes else "copies and form critical"
    if verify.ease == "easy":
        accepted = evidence.acceptance
        seen = "" if accepted is None else f"; it accepts {accepted:.0%}".replace("%", " %")
        return Item("verifiers", f"the suite as it is, {labels}", f"{verify.why}{seen}")
    return Item(
        "verifiers",
        f"{labels}, and a person or a judge from elsewhere for a sample of each round",
        "a verifier of the same data pulls the model to what it knows, and misses what it does not",
    )


def _regime(evidence: Evidence, collect: Judged, verify: Judged) -> Item:
    made = evidence.made_rows / evidence.real_rows if evidence.real_rows else 0.0
    weight = best_weight(made)
    if collect.ease == "easy":
        return Item(
            "regime",
            f"accumulate, with new real rows each round; fit.real_weight: {weight:.2f}",
            f"{made:.2f} synthetic rows for each real one; the best weight where real rows are "
            "fresh (He et al. 2025)",
        )
    if verify.ease == "easy":
        why = "real rows are fixed, so they stay in every mix; verified rows may outnumber them"
        return Item("regime", "accumulate", why)
    return Item(
        "regime",
        "accumulate, no more synthetic rows than real ones",
        f"{evidence.made_rows:,} made beside {evidence.real_rows:,} real rows so far; errors that "
        "nobody sees add up with their share",
    )


def _audit_size(evidence: Evidence) -> Item:
    """Rows of an audit that tells p from p*, by the normal approximation."""
    audit = evidence.audit
    if audit is None or audit.error is None or audit.threshold is None:
        rows = math.ceil(Z**2 / 4 / UNKNOWN_HALF**2)
        return Item(
            "audit",
            f"{rows:,} rows: `stemma verifier audit {evidence.dataset} --rows {rows}`",
            f"no audit that knows p so far; so many give p within ± {UNKNOWN_HALF}, whatever it is",
        )
    apart = abs(audit.threshold - audit.error) / 2
    spread = max(audit.error * (1 - audit.error), 1 / 100)
    wanted = math.ceil(Z**2 * spread / apart**2) if apart > 0 else MOST_AUDITED + 1
    rows = max(min(wanted, MOST_AUDITED), 100)
    told = "so many tell" if wanted <= MOST_AUDITED else "more than these would be needed to tell"
    return Item(
        "audit",
        f"{rows:,} rows with each change of suite or generator",
        f"{told} p {_number(audit.error)} from p* {_number(audit.threshold)}",
    )


def _cost(evidence: Evidence, collect: Judged) -> Item:
    if not evidence.made_rows or evidence.seconds is None:
        return Item("cost", "not measured", "no round of a generator is published yet")
    seconds = evidence.seconds / evidence.made_rows
    answer = f"{seconds:.2f} s for each accepted row"
    if evidence.dollars is not None:
        answer += f" and ${evidence.dollars / evidence.made_rows:,.4f}"
    why = f"{evidence.made_rows:,} rows of {evidence.rounds} rounds, all stages"
    if collect.ease == "easy":
        why += f"; `stemma scaling {evidence.dataset}` says how many are worth one real row"
    return Item("cost", answer, why)


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
