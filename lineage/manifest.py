"""The mix manifest: a value that describes a training distribution, and its digest.

Lineage refers to the digest in `trained_on`. The digest is stored with the manifest, so that a
manifest that was changed by hand is refused when it is read.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    computed_field,
    model_serializer,
    model_validator,
)

from lineage import digests

REGIMES: Final = ("accumulate", "replace", "accumulate-subsample")

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
ROUNDING: Final = 1e-6
"""Relative tolerance of sums of stored numbers."""
LEFT_OUT: Final = ("left_out", "left_out_digest")
"""Fields that are absent from the JSON of a mix that leaves nothing out, as most mixes do."""


class RoundPart(BaseModel):
    """The rows that one round gives to a mix."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    round: Count
    accepted: Annotated[int, Field(gt=0)]
    """Accepted rows of the round that the mix could take, after those that are left out."""
    rows: Annotated[int, Field(gt=0)]
    """Rows of the round that are in the mix."""
    weight: Annotated[float, Field(gt=0)]
    """Total weight of these rows."""


class MixManifest(BaseModel):
    """A training distribution: origin and weight of its rows, and their distance from real data."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    version: Literal["stemma-mix/1"] = "stemma-mix/1"
    dataset: Annotated[str, Field(min_length=1)]
    commit: str
    regime: str
    rounds: Annotated[tuple[RoundPart, ...], Field(min_length=1)]
    rows: Annotated[int, Field(gt=0)]
    real_weight: Annotated[float, Field(gt=0)]
    """Weight of a real row; every other row has weight 1."""
    sample_size: Annotated[int, Field(gt=0)] | None = None
    """Requested size of the subsample, in rows."""
    subsample: str | None = None
    """Name and version of the rule that drew the subsample."""
    seed: int | None = None
    """Seed of the subsample."""
    warm_start: str | None = None
    """Digest of the generator that the fit continued from; None: from scratch."""
    left_out: Annotated[int, Field(gt=0)] | None = None
    """Number of accepted rows that the regime could choose but that were left out; None if there
    are none."""
    left_out_digest: Digest | None = None
    """Digest of the list of left-out rows, by `lineage.training_mix.list_digest`."""

    real_share: Share
    """Share of the real rows, by weight."""
    real_roots: Share
    """Probability that a backward walk from a row drawn by weight ends at a real sample."""
    depth_mean: Annotated[float, Field(ge=0)] | None
    """Mean length of the backward walks that end at a real sample; None if none does."""
    depth_min: Count | None
    depth_max: Count | None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of everything else, as 64 hex digits."""
        return digests.of_json(self.model_dump(mode="json", exclude={"digest"}))

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Serialise a mix that leaves nothing out without the fields `LEFT_OUT`."""
        content: dict[str, Any] = handler(self)
        return {
            name: value
            for name, value in content.items()
            if value is not None or name not in LEFT_OUT
        }

    @model_validator(mode="wrap")
    @classmethod
    def _unaltered(cls, content: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Refuse a manifest whose digest is not the one that it was written with."""
        if not isinstance(content, dict) or "digest" not in content:
            return handler(content)
        manifest = handler({name: value for name, value in content.items() if name != "digest"})
        if manifest.digest != content["digest"]:
            raise ValueError("was altered: its digest is another; restore it from the lake")
        return manifest

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse numbers that contradict each other."""
        for holds, what in (*self._of_rounds(), *self._of_subsample(), *self._of_depths()):
            if not holds:
                raise ValueError(f"contradicts itself: {what}")
        return self

    def _of_rounds(self) -> list[tuple[bool, str]]:
        parts, low, high = self.rounds, min(1.0, self.real_weight), max(1.0, self.real_weight)
        numbers = [part.round for part in parts]
        row_weights = [part.weight / part.rows for part in parts]
        weighed = low * (1 - ROUNDING) <= min(row_weights) and max(row_weights) <= high * (
            1 + ROUNDING
        )
        return [
            (self.regime in REGIMES, f"there is no regime {self.regime!r}"),
            (numbers == sorted(set(numbers)), "rounds are not in order"),
            (self.regime != "replace" or len(parts) == 1, "replace takes one round"),
            (self.rows == sum(part.rows for part in parts), "rows are not those of the rounds"),
            (all(part.rows <= part.accepted for part in parts), "more rows than were accepted"),
            (weighed, "the weight of a round is not that of its rows"),
            ((self.left_out is None) == (self.left_out_digest is None), "left_out has no list"),
        ]

    def _of_subsample(self) -> list[tuple[bool, str]]:
        thinned = self.regime == "accumulate-subsample"
        drawn = (self.sample_size, self.subsample, self.seed)
        complete = all(part.rows == part.accepted for part in self.rounds)
        return [
            (
                all((setting is not None) == thinned for setting in drawn),
                "subsample and regime differ",
            ),
            (thinned or complete, "rows are missing though none were to be left out"),
            (self.rows <= (self.sample_size or self.rows), "more rows than the subsample's size"),
        ]

    def _of_depths(self) -> list[tuple[bool, str]]:
        depths = (self.depth_min, self.depth_mean, self.depth_max)
        present = [depth for depth in depths if depth is not None]
        complete = len(present) == len(depths)
        low, mean, high = present if complete else (0, 0, 0)
        ordered = low * (1 - ROUNDING) <= mean <= high * (1 + ROUNDING)
        started = self.real_share <= self.real_roots + ROUNDING
        return [
            (complete or not present, "some depths are missing"),
            (complete == (self.real_roots > 0), "depths and real_roots differ"),
            (ordered, "depths are not in order"),
            (started, "fewer walks end at real samples than start there"),
        ]
