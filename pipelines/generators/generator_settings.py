"""Sections of params.yaml that are generators': what each registered one can be set to.

A generator of this package has a section of its name under `fit` and under `generate`; one of the
user's own has `settings` there. So a data set can hold the settings of several generators, and none
changes because another one's do.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, cast

from pydantic import BaseModel, create_model

from pipelines.common.settings import StrictModel, parse
from pipelines.generators.registry import GENERATORS

Which: TypeAlias = Literal["FitSettings", "GenerateSettings"]


def sections(which: Which) -> type[StrictModel]:
    """A base class with a section for each generator of this package; None: its defaults.

    Args:
        which: of the two settings classes of a generator.
    """
    fields: dict[str, Any] = {
        name: (getattr(GENERATORS.find(name), which) | None, None) for name in GENERATORS.names()
    }
    return cast("type[StrictModel]", create_model(which, __base__=StrictModel, **fields))


def of(section: BaseModel, generator: str, which: Which) -> StrictModel:
    """The settings of a generator in a section that has `sections` as its base.

    Args:
        section: `fit` or `generate`.
        generator: a reference.
        which: of the two settings classes of a generator.

    Raises:
        ParamsError: there is no such generator, or a key is wrong.
    """
    model: type[StrictModel] = getattr(GENERATORS.find(generator), which)
    if generator not in GENERATORS.names():
        return parse(model, getattr(section, "settings"), f"settings of {generator}")  # noqa: B009
    given: StrictModel | None = getattr(section, generator)
    return model() if given is None else given
