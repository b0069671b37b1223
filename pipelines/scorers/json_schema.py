"""Is a text a JSON document that fits a schema?

By jsonschema-rs, under draft 2020-12, formats asserted. A schema that refers to another place is
refused, so nothing is fetched. The schema is a file of the user's, and a changed one judges rounds
anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NoReturn

import polars as pl
from pydantic import Field

from lake import documents
from lake.documents import DocumentError
from pipelines.common import optional, progress
from pipelines.common.errors import ParamsError
from pipelines.scorers import digests
from pipelines.scorers.expected import Expected
from pipelines.scorers.protocol import Given
from pipelines.scorers.text_scorer import TextScorer, TextSettings

COLUMNS: Final = {"json_valid": pl.Boolean, "json_problem": pl.String}
EACH: Final = 1024
"""Texts after which progress is told."""
BACKTRACKED: Final = "Max limit for backtracking"
"""What the library says where it gives up a pattern."""
SHOWN: Final = 200
"""Characters of a problem."""


class JsonSchemaSettings(TextSettings):
    """Which column is the document, and the schema."""

    schema_file: str | None = Field(None, min_length=1)
    """JSON schema, a path in the project's directory; None: any JSON will do."""


class JsonSchema(TextScorer[JsonSchemaSettings]):
    """Validates texts as JSON documents against a schema."""

    name = "json_schema"
    version = "json_schema/1"
    Settings = JsonSchemaSettings
    columns = COLUMNS
    libraries = ("jsonschema-rs",)

    def files(self, settings: JsonSchemaSettings) -> tuple[Path, ...]:
        """Return the file of the schema, if there is one."""
        return () if settings.schema_file is None else (Path(settings.schema_file),)

    def model_digest(self, given: Given, settings: JsonSchemaSettings) -> str:  # noqa: ARG002  of the protocol
        """Digest the schema and the library.

        Raises:
            ParamsError: the schema cannot be read.
        """
        return digests.of_values(
            schema=_schema(settings.schema_file),
            libraries=digests.installed(*self.libraries),
        )

    def expected(self, settings: JsonSchemaSettings) -> tuple[Expected, ...]:  # noqa: ARG002  of the protocol
        """Expect documents that the schema allows."""
        return (Expected("fits_the_schema", "json_valid", values=(True,)),)

    def score(
        self, candidates: pl.DataFrame, given: Given, settings: JsonSchemaSettings
    ) -> pl.DataFrame:
        """Check each document.

        Args:
            candidates: round, row, text.
            given: told how far the work is.
            settings: of the schema.

        Returns:
            round, row, json_valid, json_problem (the first one, with its place; empty if there is
            none); null where there is no text.

        Raises:
            LibraryError: the library jsonschema-rs is not installed.
            ParamsError: the schema cannot be read, is none, or refers to another document.
        """
        check = _validator(settings.schema_file)
        texts = candidates[settings.text].cast(pl.String)
        problems = (None if text is None else _problem(text, check) for text in texts)
        told = progress.told(problems, len(texts), given.progress, every=EACH)
        problem_column = pl.Series("json_problem", list(told), dtype=pl.String)
        return candidates.select("round", "row").hstack(
            [(problem_column == "").alias("json_valid"), problem_column]
        )


def _schema(location: str | None) -> Any:  # noqa: ANN401  JSON
    if location is None:
        return True
    path = Path(location)
    if path.is_absolute() or ".." in path.parts:
        raise ParamsError(f"schema_file {location} must be a path within the project's directory")
    try:
        return documents.read_json(path)
    except (FileNotFoundError, DocumentError) as error:
        reason = "is not there" if isinstance(error, FileNotFoundError) else error
        raise ParamsError(
            f"the JSON schema {location} cannot be read: it {reason}; correct it"
        ) from error


def _validator(location: str | None) -> Any:  # noqa: ANN401  without a common type
    library = optional.library("jsonschema_rs", "JSON schemas")
    try:
        return library.Draft202012Validator(
            _schema(location), validate_formats=True, retriever=_elsewhere
        )
    except (library.ValidationError, library.ReferencingError, ValueError) as error:
        reason = _shortened(getattr(error, "message", None) or str(error))
        raise ParamsError(f"{location} is no JSON schema of draft 2020-12: {reason}") from error


def _elsewhere(location: str) -> NoReturn:
    raise ValueError(f"{location} is another document; put its schema into this one, under $defs")


def _problem(text: str, validator: Any) -> str:  # noqa: ANN401  without a common type
    """Describe what is wrong with a document; empty if it is valid."""
    try:
        document = json.loads(text, parse_constant=_constant)
        first = next(iter(validator.iter_errors(document)), None)
    except RecursionError:
        return "not checked: nested too deeply"
    except ValueError as error:
        return _shortened(f"not JSON: {error}")
    if first is None:
        return ""
    if BACKTRACKED in first.message:
        return "not checked: a pattern of the schema does not end on it"
    location = "/".join(str(part) for part in first.instance_path)
    return _shortened(f"{location}: {first.message}" if location else first.message)


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def _shortened(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"
