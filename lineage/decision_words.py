"""A decision on a candidate in words: a reason is what failed, and never what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lineage import curation, review_decisions

UNKNOWN: Final = curation.UNKNOWN
NOT_OF_VERDICTS: Final = {
    curation.NO_VERDICT: "nobody judged it",
    curation.MAX_ACCEPTED: "as many as curate.max_accepted were accepted before",
    curation.TAKEN_DOWN: "its content was taken down",
    review_decisions.AGAINST["reject"]: "a reviewer rejected it",
    review_decisions.AGAINST["relabel"]: "a reviewer gave it another label, in a row of its own",
    review_decisions.AGAINST["correct"]: "a reviewer corrected it, in a row of its own",
    curation.SURPLUS: "",
    curation.DUPLICATE: "",
}
"""What is said of reasons that are no expectation; empty where the decision says it."""


def told(decision: str | None, reasons: Sequence[str]) -> str:
    """Write a decision with its reasons, such as "failed: label_agrees; unknown: confidence".

    Args:
        decision: accepted, rejected, duplicate or surplus; None: there is none.
        reasons: names of expectations, with `UNKNOWN` where one could not be computed, or reasons
            of `lineage.curation`.
    """
    others = [NOT_OF_VERDICTS[each] for each in reasons if NOT_OF_VERDICTS.get(each)]
    named = [each for each in reasons if each not in NOT_OF_VERDICTS]
    unknown = [each.removesuffix(UNKNOWN) for each in named if each.endswith(UNKNOWN)]
    failed = [each for each in named if not each.endswith(UNKNOWN)]
    parts = [f"failed: {', '.join(failed)}"] if failed else []
    parts += [f"unknown: {', '.join(unknown)}"] if unknown else []
    if not failed and not unknown:
        return ": ".join(each for each in (decision or "", *others) if each)
    return "; ".join([*parts, *others])
