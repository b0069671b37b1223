"""Reads the JSON body of a request as the model that it must fit."""

from __future__ import annotations

from threading import Lock
from typing import Final

from pydantic import BaseModel, ValidationError

from lake.errors import InvalidError

_BUILDING: Final = Lock()
"""Held while the schema of a model is built, which two threads must not do at once."""


def validate(model: type[BaseModel], value: object) -> BaseModel:
    """Read a JSON value as a body.

    Raises:
        InvalidError: it is not such a body; the message names the first field that is wrong.
    """
    if not model.__pydantic_complete__:
        with _BUILDING:
            model.model_rebuild()
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        reason = first["msg"].removeprefix("Value error, ")
        subject = f"the body's field `{field}`" if field else "the body"
        raise InvalidError(f"{subject} is not valid: {reason[:1].lower()}{reason[1:]}") from error
