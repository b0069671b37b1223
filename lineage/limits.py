"""When the guard warns and when it blocks: plain numbers, each set in params.yaml.

Nothing heavy is imported here, since every command reads params.yaml. None is no limit. The
defaults pass a round that is mixed with all data before it (`accumulate`). They block a round whose
mix holds nothing but its own predecessor (`replace`) as soon as the damage shows: in the first such
round by its loss downstream, if that is two points; in the second because its mix is two
generations from real data without a real row in it, and has lost recall and variance.
`python -m benchmarks.guard` measures both over many seeds.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from lineage import digests

LATER: Final = "later"
"""The mark of a limit that a later release added."""
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]


def _later(default: float | str | None) -> Any:  # noqa: ANN401  as pydantic.Field
    """Declare a limit that is not in the digest of limits at its default."""
    return Field(default, json_schema_extra={LATER: True})


class Limits(BaseModel):
    """Limits of the guard's checks.

    `x_warn` and `x_block` are the limits of the check `x`. Shape figures (recall, coverage,
    variance, tail) are limited as ratios to their real-versus-real null; `_low` and `_high` are the
    two sides of a two-sided check.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    unknown: Literal["block", "warn"] = "block"
    """Verdict on a figure that could not be computed; where no limit blocks, it is a warning."""

    real_share_warn: Share | None = 0.25
    """Least share of real rows in the next training mix, by weight."""
    real_share_block: Share | None = 0.1
    real_share_shallow: Amount = 1.5
    """Mean depth of the mix up to which a low real share only warns: one generation from real data
    is distillation, a loop begins with the second."""

    depth_mean_warn: Amount | None = 3.0
    """Most generations from real data, on average over the round's accepted rows."""
    depth_mean_block: Amount | None = 6.0
    depth_max_warn: Amount | None = 12.0
    """Most generations from real data along any line of descent; it grows by one in each round of
    `accumulate`, so by default it never blocks."""
    depth_max_block: Amount | None = None

    real_inputs_warn: Share | None = 0.2
    """Least mean share of direct inputs that are real."""
    real_inputs_block: Share | None = 0.05
    real_inputs_low_warn: Share | None = 0.1
    """Least mean share of direct inputs that are real with seed weights 0, which holds under any
    attribution rule."""
    real_inputs_low_block: Share | None = None

    opaque_roots_warn: Share | None = 0.25
    """Most backward walks that may end at a model of unknown training data."""
    opaque_roots_block: Share | None = 0.95

    memorised_warn: Share | None = 0.0
    """Most accepted rows that may equal or nearly equal a real training row."""
    memorised_block: Share | None = 0.01
    duplicates_warn: Share | None = 0.05
    """Most candidates that may repeat content accepted before."""
    duplicates_block: Share | None = 0.2
    acceptance_warn: Share | None = 0.5
    """Least share of candidates accepted; below it, selection shapes the data."""
    acceptance_block: Share | None = 0.2

    holdout_equal_block: Share | None = 0.0
    """Most accepted rows that may equal a held-out row."""
    holdout_near_warn: Share | None = 0.01
    """Most accepted rows that may be near to a held-out row; some are near by chance."""
    holdout_near_block: Share | None = 0.05
    holdout_ancestry_block: Share | None = 0.0
    """Most accepted rows that may descend from a held-out row."""

    verifier_calibration_block: Amount | None = 1.0
    """Largest ratio of the upper bound of the candidates' error p to the lower bound of p*; below
    1, training on what the verifier keeps works (Feng et al. 2024)."""
    calibration_missing: Literal["pass", "warn", "block"] = "pass"
    """Verdict on a suite that was never audited."""

    downstream_real_warn: Amount | None = 0.005
    """Largest loss of accuracy on real validation data against training on real data alone. The
    measured loss warns once its interval holds none but losses; the end of its interval that
    favours the round blocks."""
    downstream_real_block: Amount | None = 0.01
    downstream_previous_warn: Amount | None = 0.01
    """Largest loss of accuracy against the mix without this round."""
    downstream_previous_block: Amount | None = 0.02
    downstream_drop_block: Amount | None = 0.015
    """Loss against training on real data alone that blocks as measured, once chance alone does not
    explain it, so that no mix that has plainly lost two points is published."""

    recall_round_warn: Amount | None = 0.5
    """Least recall of the round, as a ratio to its null."""
    recall_round_block: Amount | None = 0.3
    recall_mix_warn: Amount | None = 0.8
    """Least recall of the next training mix, as a ratio to its null."""
    recall_mix_block: Amount | None = 0.6
    coverage_round_warn: Amount | None = 0.5
    """Least share of held-out real rows that are near accepted rows of the round, over the same of
    real rows."""
    coverage_round_block: Amount | None = 0.3
    coverage_mix_warn: Amount | None = 0.8
    """Least share of held-out real rows that are near rows of the next training mix, over the same
    of real rows."""
    coverage_mix_block: Amount | None = 0.6

    variance_round_low_warn: Amount | None = 0.75
    """Least variance of the round, as a ratio to its null; replacing data shrinks it."""
    variance_round_low_block: Amount | None = 0.6
    variance_round_high_warn: Amount | None = 1.25
    """Largest variance of the round, as a ratio to its null; smoothing generators inflate it."""
    variance_round_high_block: Amount | None = 1.5
    variance_mix_low_warn: Amount | None = 0.85
    """Least variance of the mix, over that of real rows."""
    variance_mix_low_block: Amount | None = 0.75
    variance_mix_high_warn: Amount | None = 1.2
    """Most variance of the mix, over that of real rows."""
    variance_mix_high_block: Amount | None = 1.4

    tail_round_low_warn: Amount | None = 0.25
    """Least mass in the real 1 % tails, as a ratio to its null. Few rows lie there, so each limit
    is compared with the end of the interval that favours the round."""
    tail_round_low_block: Amount | None = None
    tail_round_high_warn: Amount | None = 3.0
    """Most mass of the round in the tails, over that of real rows."""
    tail_round_high_block: Amount | None = 6.0
    tail_mix_low_warn: Amount | None = 0.5
    """Least mass of the mix in the tails, over that of real rows."""
    tail_mix_low_block: Amount | None = 0.1
    tail_mix_high_warn: Amount | None = 2.0
    """Most mass of the mix in the tails, over that of real rows."""
    tail_mix_high_block: Amount | None = 4.0

    label_errors_warn: Share | None = _later(0.03)
    """Most accepted rows that may have another label than their nearest training rows, beyond the
    share of real rows that do; the end of the interval that favours the round is compared."""
    label_errors_block: Share | None = _later(0.08)
    downstream_pooled_warn: Amount | None = _later(0.003)
    """Largest loss of accuracy since round 0, on average over both families of models, as measured
    once its 95 % interval holds none but losses. Two families together show a loss of less than a
    point, before models that no check uses have lost one."""
    downstream_pooled_block: Amount | None = _later(0.005)
    downstream_likelihood_warn: Amount | None = _later(0.002)
    """Largest loss since round 0 of the probability that the task's models give to right labels,
    as measured once its 95 % interval holds none but losses. It shows with fewer validation rows
    than a loss of accuracy."""
    downstream_likelihood_block: Amount | None = _later(0.003)
    memorised_ratio_warn: Share | None = _later(0.05)
    """Most accepted rows that may be far nearer to one training row than to any other, beyond the
    share of real rows that are."""
    memorised_ratio_block: Share | None = _later(0.08)
    holdout_leaning_warn: Share | None = _later(0.57)
    """Most accepted rows that may be nearer to the hold-out than to as many training rows."""
    holdout_leaning_block: Share | None = _later(0.6)
    holdout_closer_warn: Share | None = _later(0.004)
    """Most accepted rows that may be far nearer to the hold-out, beyond those that are as much
    nearer to training rows; a block takes the end of the interval that favours the round."""
    holdout_closer_block: Share | None = _later(0.005)
    class_share_warn: Amount | None = _later(0.5)
    """Least share of a class among the accepted rows, as a ratio to its share of real rows; the end
    of the interval that favours the round is compared."""
    class_share_block: Amount | None = _later(0.35)
    class_coverage_warn: Amount | None = _later(0.5)
    """Least coverage of a class, as a ratio to that of as many real rows."""
    class_coverage_block: Amount | None = _later(0.35)
    class_variance_warn: Amount | None = _later(0.55)
    """Least variance of a class, as a ratio to that of real rows; the end of the interval that
    favours the round blocks."""
    class_variance_block: Amount | None = _later(0.35)
    rare_recall_warn: Amount | None = _later(0.5)
    """Least recall of rare modes, as a ratio to what as many real rows reach."""
    rare_recall_block: Amount | None = _later(None)
    warned_rows_warn: Share | None = _later(0.4)
    """Most accepted rows of which an expectation about rows may warn."""
    warned_rows_block: Share | None = _later(None)
    licence_missing_warn: Share | None = _later(0.0)
    """Most rows of the next mix of which no licence may be recorded: of real rows their own, of
    rows from outside that of the service, the pipeline or the file."""
    licence_missing_block: Share | None = _later(None)
    style: Literal["warn", "block"] = _later("warn")
    """What becomes of a block of the shape of a round that a change of style alone explains."""

    @property
    def digest(self) -> str:
        """SHA-256 of all limits, as 64 hex digits.

        Limits that later releases added are left out at their default, so that the digest of limits
        that somebody chose, and that rounds were judged by, stays what it was.
        """
        content = self.model_dump(mode="json")
        later = {
            name
            for name, field in type(self).model_fields.items()
            if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get(LATER)
            if getattr(self, name) == field.default
        }
        return digests.of_json({name: each for name, each in content.items() if name not in later})
