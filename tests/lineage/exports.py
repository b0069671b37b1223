"""Rounds to export, and what comes out of them as other libraries read it."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import mlcroissant
import polars as pl
from prov.model import ProvDocument, ProvRecord

from lineage import schema
from lineage.export import croissant, prov
from lineage.export.values import File, Origin, Round

ORIGIN = Origin("lake-of-tests", "main", "c0ffee" + 58 * "0", 1_790_000_000)
VOCABULARY = "urn:stemma:vocabulary#"
Place = tuple[str, int, int]
Record = TypeVar("Record", bound=ProvRecord)


def giving(frame: pl.DataFrame) -> Callable[[], pl.LazyFrame]:
    return frame.lazy


def decisions(lineage: pl.DataFrame, *refused: int) -> pl.DataFrame:
    """Accept all rows but some."""
    found = lineage.select(
        "round",
        "row",
        "sample_id",
        pl.when(pl.col("row").is_in(refused))
        .then(pl.lit("rejected"))
        .otherwise(pl.lit("accepted"))
        .alias("decision"),
        pl.lit([], pl.List(pl.String)).alias("reasons"),
        pl.lit([], pl.List(pl.String)).alias("warnings"),
        pl.lit(None, schema.OCCURRENCE).alias("duplicate_of"),
    )
    return schema.conform(found, schema.DECISIONS)


def a_round(
    dataset: str,
    lineage: pl.DataFrame,
    *refused: int,
    decided: bool = True,
    about: Mapping[str, Any] | None = None,
    tag: str | None = None,
) -> Round:
    number = int(lineage["round"][0])
    known = decided and number > 0
    return Round(
        dataset=dataset,
        number=number,
        lineage=giving(lineage),
        decisions=giving(decisions(lineage, *refused)) if known else None,
        manifest=about or {},
        commit=f"{dataset}{number}" if tag else None,
        tag=tag,
    )


def written(rounds: Sequence[Round]) -> str:
    return "".join(prov.Document(ORIGIN, rounds).chunks())


def read_back(text: str) -> ProvDocument:
    return ProvDocument.deserialize(content=text, format="json")


def of(document: ProvDocument, kind: type[Record]) -> list[Record]:
    """Records of a kind."""
    return list(document.get_records(kind))


def typed(found: Sequence[Record], name: str) -> list[Record]:
    """The records that have a type."""
    return [each for each in found if name in map(str, each.get_asserted_types())]


def occurrence(name: str) -> Place:
    """The occurrence that the local name of an entity stands for."""
    dataset, number, row = name.split("/")
    return dataset, int(number), int(row)


def said(record: ProvRecord, name: str) -> Any:
    """The one value of an attribute in the project's vocabulary; None where there is none."""
    found = [value for key, value in record.extra_attributes if key.uri == f"{VOCABULARY}{name}"]
    assert len(found) < 2
    return getattr(found[0], "value", found[0]) if found else None


def stored(target: Path, path: str, frame: pl.DataFrame) -> File:
    """A part of a table, written to disk."""
    file = target / path
    file.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(file)
    dataset, table, partition, _ = path.split("/")
    number = int(partition.removeprefix("round="))
    return File(path, md5(file), file.stat().st_size, dataset, table, number, lambda: frame.schema)


def md5(file: Path) -> str:
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()


def described(rounds: Sequence[Round], files: Sequence[File]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads("".join(croissant.Document(ORIGIN, rounds, files).chunks()))
    return found


def loaded(content: Any, mapping: Mapping[str, str]) -> mlcroissant.Dataset:
    """The data set as mlcroissant reads it, with files at hand; any doubt of it is an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "ConjunctiveGraph is deprecated")  # of rdflib, by rdflib
        found = mlcroissant.Dataset(content, mapping=mapping)
    issues = found.metadata.ctx.issues
    assert not issues.errors
    assert not issues.warnings
    return found


def records(found: mlcroissant.Dataset, record_set: str) -> list[dict[str, Any]]:
    """The records of a record set, by names of fields."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The inplace keyword")  # of pandas, by mlcroissant
        return [_plain(record, f"{record_set}/") for record in found.records(record_set)]


def _plain(value: Any, prefix: str) -> Any:
    if isinstance(value, dict):
        return {name.removeprefix(prefix): _plain(each, f"{name}/") for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, prefix) for each in value]
    return value.decode() if isinstance(value, bytes) and _is_text(value) else value


def _is_text(value: bytes) -> bool:
    return len(value) != schema.ID_BYTES
