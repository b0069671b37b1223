"""What a data set itself says of whether real rows are easy to collect, and rows easy to verify."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lake.client import Lake
from lineage import bounds
from pipelines.inquiry.foresight import observed
from pipelines.params import Dataset
from pipelines.rounds import manifest
from pipelines.verification.calibrations import applied, merges

LABEL_ERRORS: Final = "label_errors"


@dataclass(frozen=True, slots=True)
class AuditFound:
    """The newest audit of the data set's suite."""

    source: str
    error: float | None
    """The share p of wrong candidates; of planted errors that of the suite."""
    threshold: float | None
    """p*, below which p has to be."""
    enough: bool | None
    """Whether p is below p*; None: the intervals do not tell."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What main and params.yaml hold of a data set."""

    dataset: str
    modality: str
    has_classes: bool
    generator: str
    """The generator of the last round, or that of the modality where there is none."""
    regime: str
    real_rows: int
    made_rows: int
    """Accepted rows of generators."""
    candidates: int
    real_rounds: int
    """Rounds of real data after round 0."""
    rounds: int
    """Rounds of generators."""
    audit: AuditFound | None
    label_errors: float | None
    """Share of accepted rows of the last round whose neighbours have another label, beyond that of
    real rows; None: not measured."""
    label_errors_limit: float | None
    seconds: float | None
    """Of all stages of all rounds of generators; None: not recorded."""
    dollars: float | None

    @property
    def acceptance(self) -> float | None:
        """Share of the candidates that were accepted."""
        return self.made_rows / self.candidates if self.candidates else None


def collect(lake: Lake, dataset: str, settings: Dataset) -> Evidence:
    """Read the evidence.

    Raises:
        DataError: main holds no real data of it, or a manifest was not written by a stage.
    """
    seen = observed.read(lake, dataset)
    made = seen.generated
    contents = [manifest.read(lake, seen.commit, dataset, each.number) for each in made]
    kinds = [str((each.get("generator") or {}).get("kind") or "") for each in contents]
    last = contents[-1] if contents else {}
    errors, limit = _label_errors(last)
    costs = [each.get("cost") or {} for each in contents]
    return Evidence(
        dataset=dataset,
        modality=settings.ingest.modality,
        has_classes=len(seen.classes.get(0, {})) > 1,
        generator=(kinds[-1] if kinds else "") or settings.modality.generator,
        regime=settings.fit.regime,
        real_rows=seen.real_rows,
        made_rows=sum(each.accepted for each in made),
        candidates=sum(each.candidates for each in made),
        real_rounds=sum(each.is_real for each in seen.rounds) - 1,
        rounds=len(made),
        audit=_audit(lake, dataset, last, settings),
        label_errors=errors,
        label_errors_limit=limit,
        seconds=_summed(costs, "seconds"),
        dollars=_summed(costs, "dollars"),
    )


def _summed(costs: list[Mapping[str, Any]], unit: str) -> float | None:
    """The sum of a unit over all stages of all rounds; None where none has it."""
    found = [
        float(stage[unit])
        for each in costs
        for stage in each.values()
        if isinstance(stage, Mapping) and isinstance(stage.get(unit), int | float)
    ]
    return sum(found) if found else None


def _label_errors(content: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """What the guard measured of wrong labels in a round, and the limit at which it warns."""
    for check in (content.get("guard") or {}).get("checks", []):
        if check["name"] == LABEL_ERRORS:
            limits = [at for word, _, at in bounds.read(check["limit"]) if word == "warn"]
            return check["value"], limits[0] if limits else None
    return None, None


def _audit(
    lake: Lake, dataset: str, last: Mapping[str, Any], settings: Dataset
) -> AuditFound | None:
    """The newest audit of the verifier of the last round, by the kind of error it is worst at."""
    suite = str((last.get("verdicts") or {}).get("suite"))
    verify = settings.verify.model_dump(mode="json")
    counting = merges.all_of(lake, dataset).counting
    stored = next((each for each in counting if each.record.holds_for(suite, verify)), None)
    if stored is None:
        return None
    found = applied.describe(stored, stored.record.suite.candidates)
    error, threshold = found["error"] or {}, found.get("threshold") or {}
    return AuditFound(
        stored.record.source,
        error.get("value"),
        threshold.get("value"),
        found.get("enough"),
    )
