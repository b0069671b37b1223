"""A round's generator as a command line names it: does it suit the data, and what does it need?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from lineage import schema
from pipelines.common.errors import ParamsError
from pipelines.generators import real
from pipelines.generators.registry import GENERATORS
from pipelines.modalities.registry import MODALITIES
from pipelines.params import Dataset
from pipelines.project import candidates_file

ADDED_OTHERWISE: Final[Mapping[str, str]] = {
    candidates_file.GENERATOR: "--candidates FILE adds such a round",
    real.NAME: "`stemma dataset update` adds such a round",
}
"""Generators whose rounds need more than a name."""
SIMULATED: Final = (
    "code makes the candidates, of no data: for this round opaque_roots, real_inputs and "
    "depth_mean are written to warn and not to block (docs/generators.md)"
)

UNNAMED: Final = (
    "generate.simulate.function has to name the function before the round runs: reasoning_gym, or "
    "one of your own, such as simulators/dice.py"
)


def suited(settings: Dataset) -> list[str]:
    """List the generators of this package that can make rows of a data set."""
    return [
        name
        for name in GENERATORS.names()
        if name not in ADDED_OTHERWISE and _suits(name, settings)
    ]


def entry(content: Mapping[str, Any], generator: str, settings: Dataset) -> dict[str, Any]:
    """Make an entry under `rounds` one of a generator.

    Args:
        content: an entry of a round.
        generator: a name, a module or a file.
        settings: of its data set.

    Raises:
        ParamsError: there is no such generator, its rounds are added otherwise, or it makes no rows
            of this modality.
    """
    if generator in ADDED_OTHERWISE:
        raise ParamsError(f"{generator} is not chosen so: {ADDED_OTHERWISE[generator]}")
    unsuited = problem(generator, settings)
    if unsuited is not None:
        raise ParamsError(unsuited)
    return limited({**content, "generator": generator})


def problem(generator: str, settings: Dataset) -> str | None:
    """Say why a generator cannot make rows of a data set; None: it can, or does not say.

    Raises:
        ParamsError: there is no such generator.
    """
    if _suits(generator, settings):
        return None
    modalities = " and ".join(GENERATORS.find(generator).modalities)
    return (
        f"the generator {generator} makes rows of {modalities}, and this data set is of modality "
        f"{settings.ingest.modality}; those that suit it: {', '.join(suited(settings))}"
    )


def notes(generator: str, settings: Dataset) -> Iterator[str]:
    """Say what is to be known of a round whose candidates code makes of no data."""
    if not is_simulated(generator):
        return
    yield SIMULATED
    if not getattr(settings.generate.of(generator), "function", None):
        yield UNNAMED


def limited(content: Mapping[str, Any]) -> dict[str, Any]:
    """Let checks of the guard warn in the entry of a round that code makes of no data."""
    if not is_simulated(content["generator"]):
        return dict(content)
    publish = {**content.get("publish", {}), "guard": dict(candidates_file.LIMITS)}
    return {**content, "publish": publish}


def is_simulated(generator: str) -> bool:
    """Whether a generator of this package makes rows of no data."""
    known = generator in GENERATORS.names()
    return known and GENERATORS.find(generator).attribution == schema.SIMULATED


def _suits(generator: str, settings: Dataset) -> bool:
    """Whether a generator says that it makes such rows; one that says nothing may."""
    modalities = GENERATORS.find(generator).modalities
    modality = settings.ingest.modality
    return not modalities or modality in modalities or modality not in MODALITIES.names()
