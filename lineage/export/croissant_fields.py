"""Columns as Croissant fields: the data type, the place in the file, and the meaning of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import polars as pl
from polars.datatypes import DataTypeClass

from lineage import schema

Json = dict[str, Any]

TYPES: Final = {
    pl.Boolean: "sc:Boolean",
    pl.Int8: "cr:Int8",
    pl.Int16: "cr:Int16",
    pl.Int32: "cr:Int32",
    pl.Int64: "cr:Int64",
    pl.UInt8: "cr:UInt8",
    pl.UInt16: "cr:UInt16",
    pl.UInt32: "cr:UInt32",
    pl.UInt64: "cr:UInt64",
    pl.Float32: "cr:Float32",
    pl.Float64: "cr:Float64",
    pl.Decimal: "sc:Float",
    pl.Date: "sc:Date",
    pl.Datetime: "sc:DateTime",
    pl.Time: "sc:Time",
}
"""Croissant types by Polars type; any other type, bytes included, is text."""
MEDIA: Final = {
    "image": "sc:ImageObject",
    "audio": "sc:AudioObject",
    "video": "sc:VideoObject",
}
"""Types of columns of struct{bytes, path} that hold a whole file, by column name."""
PAYLOAD: Final = {"bytes", "path"}

KEY: Final = {
    "round": "Round of the data set; 0 is real data.",
    "row": "Row of the candidate within its round, from 0.",
    "sample_id": "Content id: SHA-256 of the identity columns, 32 bytes.",
}
MEANINGS: Final = {
    "samples": {
        **KEY,
        "label": "Class; of a generated sample the one that was asked for.",
    },
    "lineage": {
        **KEY,
        "kind": f"One of {', '.join(schema.KINDS)}.",
        "parents": "The occurrences that the sample was made from, with weights.",
        "parents.dataset": "Data set of the parent.",
        "parents.round": "Round of the parent.",
        "parents.row": "Row of the parent within its round.",
        "parents.relation": "seed: an exemplar or a condition; edited: the parent was changed.",
        "parents.weight": "Share of the sample that is put down to the parent.",
        "generator": "SHA-256 of the manifest of the generator; null for real rows.",
        "attribution": "Name and version of the rule that gave the weights.",
        "trained_on": "Digest of the mix that the generator learned from; null: unknown.",
        "seed": "Seed of the shard.",
        "shard": "Shard that the candidate was generated in.",
        "prompt_digest": "SHA-256 of the prompt.",
        "source": "Where a real row comes from.",
        "licence": "Licence of a real row.",
        "real_inputs": "Share of the direct inputs that are real.",
        "real_roots": "Probability that a backward walk ends at a real sample.",
        "depth_mean": "Mean length of the backward walks that end at a real sample.",
        "depth_min": "Generations to the nearest real ancestor.",
        "depth_max": "Generations to the farthest real ancestor.",
    },
    "verdicts": {
        "round": KEY["round"],
        "row": f"{KEY['row']} Null where the round is judged as a whole.",
        "expectation": "Name of the expectation in the suite.",
        "severity": f"One of {', '.join(schema.SEVERITIES)}.",
        "verdict": "passed, failed or unknown.",
        "observed": "The value that was judged.",
        "detail": "What was found, in words.",
    },
    "decisions": {
        **KEY,
        "decision": f"One of {', '.join(schema.OUTCOMES)}.",
        "reasons": "Expectations that rejected the candidate.",
        "warnings": "Expectations that it failed and that reject nothing.",
        "duplicate_of": "The first occurrence of the same content.",
        "duplicate_of.dataset": "Data set of that occurrence.",
        "duplicate_of.round": "Round of that occurrence.",
        "duplicate_of.row": "Row of that occurrence.",
        "columns_digest": "SHA-256 of the columns that the id of the content leaves out.",
    },
    "exchanges": {
        "row": f"{KEY['row']} Null where no candidate came of the request.",
        "planned": "Row that was planned for the candidate; requests without one are numbered too.",
        "step": "Step of the candidate, from 0, where several requests make one.",
        "model": "Model that was asked.",
        "served": "Name under which it answered.",
        "endpoint": "Endpoint of the service: chat, completions or images.",
        "weights": "Digest or name of the model's weights, where they are known.",
        "template": "SHA-256 of the template of the prompt.",
        "seed": "Seed of the request.",
        "prompt": "The prompt, or the messages as JSON.",
        "answer": "The raw answer; of a picture what is known of it, as JSON.",
        "finish_reason": "Why the answer ended, as the service says.",
        "failure": "Why the request failed for good.",
        "broken": "Answers that could not be used.",
        "broken.reason": "Why it could not be used.",
        "broken.text": "The answer.",
        "attempts": "Attempts at the request.",
        "tokens_in": "Tokens of the prompts of all attempts.",
        "tokens_out": "Tokens of the answers of all attempts.",
        "dollars": "Cost of all attempts; null: unknown.",
        "attributes": "What the prompt asked for, as JSON.",
        "chosen": "Whether the candidate is of this request, and not of a better one.",
    },
}
LABELS: Final[dict[tuple[str, ...], tuple[str, ...]]] = {("samples", "label"): ("cr:Label",)}
"""Further types of columns that mean more than their data type."""
EQUIVALENT: Final[dict[tuple[str, ...], str]] = {
    ("lineage", "parents"): "prov:wasDerivedFrom",
    ("lineage", "generator"): "prov:wasAttributedTo",
    ("lineage", "source"): "prov:hadPrimarySource",
    ("lineage", "licence"): "sc:license",
    ("exchanges", "model"): "prov:wasAssociatedWith",
    ("exchanges", "template"): "prov:hadPlan",
}
"""Properties of other vocabularies that columns are equivalent to."""
KEYS: Final[dict[str, tuple[str, ...]]] = {
    "verdicts": ("round", "row", "expectation"),
    "exchanges": (),
}
"""Key columns of tables whose key is not the occurrence; a table of requests has none."""
OCCURRENCE: Final = ("round", "row")
_PLAIN: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a record set, which is one file of a table."""

    record_set: str
    """Id of the record set."""
    file: str
    """Id of the file."""
    table: str
    """Name of the table, which gives the columns their descriptions."""

    def of(self, columns: pl.Schema) -> list[Json]:
        """Build one field for each column."""
        return [self._field((name,), dtype) for name, dtype in columns.items()]

    def keys(self, columns: pl.Schema) -> list[Json]:
        """List the fields that form the key of a record."""
        wanted = KEYS.get(self.table, OCCURRENCE)
        return [{"@id": self._id((name,))} for name in wanted if name in columns]

    def _id(self, path: tuple[str, ...]) -> str:
        """Build the id of a field, in characters that an IRI may have."""
        return "/".join([self.record_set, *(quote(name, safe="") for name in path)])

    def _field(self, path: tuple[str, ...], dtype: pl.DataType) -> Json:
        inner, dimensions = _inner(dtype)
        medium = _medium(path[-1], inner)
        field = {
            "@type": "cr:Field",
            "@id": self._id(path),
            "name": path[-1],
            **self._meaning(path),
        }
        if dimensions:
            field |= {"isArray": True, "arrayShape": ",".join(["-1"] * dimensions)}
        if medium:
            return {**field, "dataType": medium, "source": self._source((*path, "bytes"))}
        if isinstance(inner, pl.Struct):
            parts = [
                self._field((*path, member.name), _instance(member.dtype))
                for member in inner.fields
            ]
            return {**field, "subField": parts}
        kinds = [TYPES.get(type(inner), "sc:Text"), *LABELS.get((self.table, *path), ())]
        data_type = kinds if len(kinds) > 1 else kinds[0]
        return {**field, "dataType": data_type, "source": self._source(path)}

    def _meaning(self, path: tuple[str, ...]) -> Json:
        meaning = MEANINGS.get(self.table, {}).get(".".join(path))
        same = EQUIVALENT.get((self.table, *path))
        properties = {"description": meaning, "equivalentProperty": same}
        return {name: value for name, value in properties.items() if value}

    def _source(self, path: tuple[str, ...]) -> Json:
        """Build where a field's values are: a column, and within a struct the path below it."""
        source: Json = {"fileObject": {"@id": self.file}, "extract": {"column": path[0]}}
        if len(path) > 1:
            source["transform"] = {"jsonPath": ".".join(map(_step, path[1:]))}
        return source


def _medium(name: str, dtype: pl.DataType) -> str | None:
    """Return the type of a column that holds whole files; None for any other."""
    whole = isinstance(dtype, pl.Struct) and {field.name for field in dtype.fields} == PAYLOAD
    return MEDIA.get(name) if whole else None


def _step(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else f"'{name}'"


def _inner(dtype: pl.DataType) -> tuple[pl.DataType, int]:
    """Return the type of a value, or of the values of nested lists, and the depth of nesting."""
    dimensions = 0
    while isinstance(dtype, pl.List | pl.Array):
        dtype, dimensions = _instance(dtype.inner), dimensions + 1
    return dtype, dimensions


def _instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    return dtype() if isinstance(dtype, DataTypeClass) else dtype
