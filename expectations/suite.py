"""A suite: the expectations that a data set's candidates must meet, in Great Expectations' format.

The file is GX's own JSON: `{"name": …, "expectations": [{"type", "kwargs", "severity", "meta"}]}`.
`meta.name` names an expectation in verdicts and reasons. Only the form is checked here, so that
nothing heavy is imported; `catalogue.check` knows the types and their arguments.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from expectations.errors import SuiteError, unknown
from lake import documents
from lake.documents import DocumentError
from lineage import digests
from lineage.schema import SEVERITIES

SUITE_KEYS: Final = ("name", "expectations", "id", "meta", "notes")
RULE_KEYS: Final = (
    "type",
    "kwargs",
    "severity",
    "meta",
    "id",
    "notes",
    "description",
    "rendered_content",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One expectation of a suite."""

    name: str
    """Name in verdicts: `meta.name`, or type and arguments."""
    type: str
    kwargs: Mapping[str, Any]
    severity: str
    """One of critical, warning and info."""
    meta: Mapping[str, Any]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the rule judges; empty if it judges the table itself."""
        pair = tuple(self.kwargs[key] for key in ("column_A", "column_B") if key in self.kwargs)
        listed = self.kwargs.get("column_list", ())
        single = (self.kwargs["column"],) if "column" in self.kwargs else ()
        return tuple(str(name) for name in (*single, *pair, *listed))

    @property
    def limits(self) -> Mapping[str, Any]:
        """Arguments other than the columns."""
        columns = ("column", "column_A", "column_B", "column_list")
        return {name: value for name, value in self.kwargs.items() if name not in columns}


@dataclass(frozen=True, slots=True)
class Suite:
    """The expectations of a data set, in the order of the file."""

    name: str
    rules: tuple[Rule, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of what decides verdicts; the order of keys, notes and ids do not count."""
        content = {
            "name": self.name,
            "rules": [[rule.name, rule.type, rule.kwargs, rule.severity] for rule in self.rules],
        }
        return digests.of_json(content, ascii_only=False)

    def document(self) -> dict[str, Any]:
        """Write the suite as the JSON of a suite file, which `parse` reads."""
        rules = [
            {
                "type": rule.type,
                "kwargs": dict(rule.kwargs),
                "severity": rule.severity,
                "meta": dict(rule.meta),
            }
            for rule in self.rules
        ]
        return {"name": self.name, "expectations": rules}


def place(dataset: str) -> Path:
    """Return the path of a data set's suite, relative to the project's directory."""
    return Path("expectations") / "suites" / f"{dataset}.json"


def load(path: Path) -> Suite:
    """Read a suite file.

    Raises:
        SuiteError: the file is missing, is not JSON, has no expectation, has an unknown key, an
            unknown severity or the same expectation or name twice.
    """
    return parse(_read(path), f"{path}")


def parse(content: object, path: str) -> Suite:
    """Check the content of a suite file.

    Args:
        content: The file as JSON.
        path: What the content is, for errors.

    Raises:
        SuiteError: As `load`.
    """
    document = _mapping(content, path)
    _check_names(document, SUITE_KEYS, f"{path}: key")
    listed = document.get("expectations")
    if not isinstance(listed, list) or not listed:
        raise SuiteError(f"{path}: there is no expectation; add one under 'expectations'")
    name = _text(document.get("name"), f"{path}: 'name'")
    rules = tuple(
        _rule(item, f"{path}: expectation {number}") for number, item in enumerate(listed, 1)
    )
    _unique(rules, lambda rule: digests.canonical([rule.type, rule.kwargs]), f"{path}: expectation")
    _unique(rules, lambda rule: rule.name, f"{path}: name")
    return Suite(name, rules)


def _rule(item: object, where: str) -> Rule:
    given = _mapping(item, where)
    _check_names(given, RULE_KEYS, f"{where}: key")
    expectation_type = _text(given.get("type"), f"{where}: 'type'")
    where = f"{where} ({expectation_type})"
    kwargs = _mapping(given.get("kwargs", {}), f"{where}: 'kwargs'")
    severity = "critical" if given.get("severity") is None else given["severity"]
    if severity not in SEVERITIES:
        raise SuiteError(unknown(f"{where}: severity", str(severity), SEVERITIES))
    meta = _mapping(given.get("meta") or {}, f"{where}: 'meta'")
    name = (
        _text(meta["name"], f"{where}: 'meta.name'")
        if "name" in meta
        else _named(expectation_type, kwargs)
    )
    return Rule(name, expectation_type, kwargs, str(severity), meta)


def _named(expectation_type: str, kwargs: Mapping[str, Any]) -> str:
    """Derive a name that no expectation with other arguments has."""
    rule = Rule("", expectation_type, kwargs, "", {})
    limits = (f"{name}={json.dumps(value)}" for name, value in sorted(rule.limits.items()))
    return f"{expectation_type}({', '.join([*rule.columns, *limits])})"


def _read(path: Path) -> object:
    try:
        return documents.read_json(path)
    except FileNotFoundError as error:
        raise SuiteError(f"there is no suite {path}; write one, or correct its name") from error
    except DocumentError as error:
        raise SuiteError(f"{path} {error}; correct it") from error


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise SuiteError(f"{where} must be an object of names and values")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise SuiteError(f"{where} must be a text that is not empty")
    return value


def _check_names(given: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    for name in given:
        if name not in names:
            raise SuiteError(unknown(where, name, names))


def _unique(rules: Iterable[Rule], key: Callable[[Rule], object], where: str) -> None:
    seen = set()
    for rule in rules:
        if key(rule) in seen:
            raise SuiteError(f"{where} {rule.name!r} comes twice; remove or rename one")
        seen.add(key(rule))
