"""The record of a sample: where each of its occurrences came from, and how it was judged.

These are pure functions over frames; the caller reads the frames and shows the result. A content id
may have several occurrences, each with its own inputs, verdicts and decision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import polars as pl

from lineage import schema
from lineage.id_prefixes import parse

__all__ = ["Decision", "Judgement", "Occurrence", "Parent", "describe", "matching", "parse"]

NODE: Final = ("dataset", "round", "row")


@dataclass(frozen=True, slots=True)
class Parent:
    """An explicit parent of an occurrence."""

    dataset: str
    round: int
    row: int
    relation: str
    weight: float
    sample_id: str | None
    """Content id in hex; None where the parent's lineage was not given."""
    kind: str | None
    depth_mean: float | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict of one expectation on an occurrence."""

    expectation: str
    severity: str
    verdict: str
    observed: float | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision on an occurrence: accepted, rejected or duplicate."""

    decision: str
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    duplicate_of: Mapping[str, Any] | None
    """Data set, round and row of the first occurrence of the same content."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Everything that is recorded about one occurrence."""

    dataset: str
    round: int
    row: int
    sample_id: str
    kind: str
    source: str | None
    licence: str | None
    generator: str | None
    attribution: str | None
    trained_on: str | None
    seed: int | None
    shard: int | None
    prompt_digest: str | None
    real_inputs: float | None
    real_roots: float | None
    depth_mean: float | None
    depth_min: int | None
    depth_max: int | None
    parents: tuple[Parent, ...]
    verdicts: tuple[Judgement, ...]
    decision: Decision | None
    """None for real rows, and for candidates that are not decided yet."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON: ids in hex, numbers that are not finite as null."""
        plain = asdict(self)
        return {name: _plain(value) for name, value in plain.items()}


def matching(prefix: str) -> pl.Expr:
    """Build an expression that tells whether `sample_id` begins with the given hex digits.

    Args:
        prefix: 8 to 64 hex digits.

    Raises:
        QueryError: the prefix is too short, too long or not hexadecimal.
    """
    digits = parse(prefix)
    whole = bytes.fromhex(digits[: len(digits) // 2 * 2])
    matches = pl.col("sample_id").bin.starts_with(whole)
    if len(digits) % 2:
        matches &= pl.col("sample_id").bin.encode("hex").str.starts_with(digits)
    return matches


def describe(
    occurrence: Mapping[str, Any],
    verdicts: pl.DataFrame,
    decisions: pl.DataFrame,
    parents: pl.DataFrame,
) -> Occurrence:
    """Assemble the record of one occurrence.

    Args:
        occurrence: a lineage row, with its `dataset`.
        verdicts: of its data set, as `schema.VERDICTS`; those about other rows are ignored.
        decisions: of its data set, as `schema.DECISIONS`; likewise.
        parents: lineage rows with their `dataset`, its parents among them.
    """
    matches = (pl.col("round") == occurrence["round"]) & (pl.col("row") == occurrence["row"])
    decided = decisions.filter(matches).to_dicts()
    fields: dict[str, Any] = {name: occurrence.get(name) for name in Occurrence.__slots__}
    fields |= {
        "sample_id": occurrence["sample_id"].hex(),
        "prompt_digest": _hex(occurrence.get("prompt_digest")),
        "parents": _parents(occurrence, parents),
        "verdicts": tuple(
            Judgement(**{name: verdict_row[name] for name in Judgement.__slots__})
            for verdict_row in verdicts.filter(matches).sort("expectation").to_dicts()
        ),
        "decision": _decision(decided[0]) if decided else None,
    }
    return Occurrence(**fields)


def _parents(occurrence: Mapping[str, Any], parents: pl.DataFrame) -> tuple[Parent, ...]:
    edges = occurrence.get("parents") or []
    wanted = pl.DataFrame(
        [{name: edge[name] for name in NODE} for edge in edges],
        schema=dict(schema.OCCURRENCE),
    )
    parent_rows = parents.join(wanted, on=NODE, how="semi").to_dicts() if edges else []
    by_occurrence = {
        tuple(parent_row[name] for name in NODE): parent_row for parent_row in parent_rows
    }
    return tuple(
        _parent(edge, by_occurrence.get(tuple(edge[name] for name in NODE), {})) for edge in edges
    )


def _parent(edge: Mapping[str, Any], stored: Mapping[str, Any]) -> Parent:
    return Parent(
        **{name: edge[name] for name in (*NODE, "relation", "weight")},
        sample_id=_hex(stored.get("sample_id")),
        kind=stored.get("kind"),
        depth_mean=stored.get("depth_mean"),
    )


def _decision(row: Mapping[str, Any]) -> Decision:
    first = row["duplicate_of"]
    again = None if first is None or first["row"] is None else dict(first)
    reasons, warnings = (tuple(row[name] or ()) for name in ("reasons", "warnings"))
    return Decision(row["decision"], reasons, warnings, again)


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _plain(value: object) -> object:
    """Convert tuples to lists, and numbers that are not finite to None."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
