"""Sections of params.yaml that belong to generators: what each registered one can be set to.

A generator of this package has a section of its name under `fit` and under `generate`; one of the
user's own has the section `settings` there. So a data set can hold the settings of several
generators, and none of them changes because another one's do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal, TypeAlias, cast

from pydantic import create_model

from pipelines.common import plugin_modules
from pipelines.common.settings import StrictModel, parse
from pipelines.generators.registry import GENERATORS, SETTINGS

Which: TypeAlias = Literal["FitSettings", "GenerateSettings"]
_POSITIONS: Final[Mapping[Which, int]] = {"FitSettings": 0, "GenerateSettings": 1}


class GeneratorSections(StrictModel):
    """Base of the sections `fit` and `generate`; `sections` adds a field for each generator."""

    which: ClassVar[Which]
    """The settings class of a generator that this section holds."""
    settings: Mapping[str, Any] = {}
    """Settings of a generator that is not one of Stemma's own."""

    def of(self, generator: str) -> StrictModel:
        """Return the settings of a generator.

        Args:
            generator: A name, a module or a file.

        Raises:
            ParamsError: There is no such generator, or a key is wrong.
        """
        if generator not in GENERATORS.names():
            model: type[StrictModel] = getattr(GENERATORS.find(generator), self.which)
            return parse(model, dict(self.settings), f"settings of {generator}")
        given: StrictModel | None = getattr(self, generator)
        return _model(generator, self.which)() if given is None else given


def sections(which: Which) -> type[GeneratorSections]:
    """Make a base class with a section for each generator of this package.

    A section that is not given is None, which stands for the generator's defaults.

    Args:
        which: One of the two settings classes of a generator.
    """
    fields: dict[str, Any] = {
        name: (_model(name, which) | None, None) for name in GENERATORS.names()
    }
    model = create_model(which, __base__=GeneratorSections, **fields)
    model.which = which
    return cast("type[GeneratorSections]", model)


def _model(generator: str, which: Which) -> type[StrictModel]:
    """Import a settings class of a generator of this package, and not the generator."""
    model = plugin_modules.attribute(SETTINGS[generator][_POSITIONS[which]])
    return cast("type[StrictModel]", model)
