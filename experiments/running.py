"""Runs experiments; a long one goes on with the parts that are missing."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments.experiment import Experiment, Finding, Part
from lake import files
from pipelines.common import digests
from pipelines.common.seeds import derive_seed


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an experiment."""

    experiment: Experiment
    parts: Mapping[str, Part]
    findings: Sequence[Finding]
    seconds: float
    """Processor time of the parts that were measured now."""

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON."""
        about = ("name", "version", "title", "paper", "setup", "long")
        return {
            **{name: getattr(self.experiment, name) for name in about},
            "seconds": self.seconds,
            "findings": [asdict(finding) for finding in self.findings],
        }


def run(experiment: Experiment, seed: int, kept: Path) -> Outcome:
    """Measure the parts of an experiment, and hold them against its criteria.

    Args:
        experiment: the experiment.
        seed: what the seed of each part derives from.
        kept: folder of the parts of long experiments, which are measured once for each version and
            seed, and of those that need packages, for where these are not.
    """
    before = time.process_time()
    parts = dict(_kept(experiment, seed, kept)) if experiment.long else {}
    for name, measure in experiment.parts.items():
        if name not in parts:
            parts |= _kept_meanwhile(experiment, seed, kept, name)
        if name not in parts:
            parts[name] = measure(derive_seed(seed, experiment.name, name))
            if _keeps(experiment):
                _keep(parts[name], _file(experiment, seed, kept, name))
    return _outcome(experiment, parts, time.process_time() - before)


def from_kept(experiment: Experiment, seed: int, kept: Path) -> Outcome | None:
    """Conclude from the parts that an experiment has kept.

    Returns:
        None if any is missing, of a partial experiment if all are.
    """
    parts = _kept(experiment, seed, kept)
    enough = 1 if experiment.partial else len(experiment.parts)
    return _outcome(experiment, parts, 0.0) if len(parts) >= enough else None


def _outcome(experiment: Experiment, parts: Mapping[str, Part], seconds: float) -> Outcome:
    ordered = {name: parts[name] for name in experiment.parts if name in parts}
    return Outcome(experiment, ordered, experiment.conclude(ordered), seconds)


def _keeps(experiment: Experiment) -> bool:
    return experiment.long or bool(experiment.needs)


def _kept(experiment: Experiment, seed: int, kept: Path) -> dict[str, Part]:
    if not _keeps(experiment):
        return {}
    places = {name: _file(experiment, seed, kept, name) for name in experiment.parts}
    return {
        name: Part.read(json.loads(files.read_text(place)))
        for name, place in places.items()
        if place.exists()
    }


def _kept_meanwhile(experiment: Experiment, seed: int, kept: Path, part: str) -> dict[str, Part]:
    """Read a part that another run, beside this one, has measured since this one began."""
    place = _file(experiment, seed, kept, part)
    if not experiment.long or not place.exists():
        return {}
    return {part: Part.read(json.loads(files.read_text(place)))}


def _keep(part: Part, place: Path) -> None:
    """Write a part on one line: there are many, and nobody reads them one by one."""
    files.write_text(place, json.dumps(part.to_dict(), sort_keys=True) + "\n")


def _file(experiment: Experiment, seed: int, kept: Path, part: str) -> Path:
    """The file of a part; its name is a digest, since names of parts hold spaces and signs."""
    name = f"{digests.of_json(part)[:16]}.json"
    return kept / f"{experiment.name}_{experiment.version}_{seed}" / name
