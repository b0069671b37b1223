"""The rules of a round: its suite, the guard's limits, and the checks that params.yaml adds.

The suite is the one that the stage verify stored, or, in rounds of earlier releases, what the
manifest says about each expectation. The limits are those of the settings in the manifest if the
guard's recorded answer was given by them; else those that the answer names, check by check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import ValidationError

from lake.client import Lake
from lineage.checks import RULES, hold
from lineage.evidence import exact
from lineage.limits import Limits
from pipelines.common.settings import strictly
from pipelines.params import Publish
from pipelines.rounds import manifest
from pipelines.verification import stored_suite

BUILT_IN: Final = frozenset(rule.name for rule in RULES)
"""Names of the guard's own checks."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a round."""

    suite: str = ""
    """Digest of the suite; empty if the round was not verified."""
    expectations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Severity, type, columns and arguments of each expectation, by its name."""
    limits: Limits | None = None
    """None if it is not known by which settings the round was judged."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """The limits of each of the guard's own checks, as text."""
    checks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings of each added check; its limits as text if the settings are not known."""


def read(
    lake: Lake, commit: str, dataset: str, number: int, settings: Publish | None = None
) -> Rules:
    """Read the rules of a round at a commit.

    Args:
        lake: the lake.
        commit: its id.
        dataset: the data set.
        number: the round.
        settings: settings by which the guard judges the round; None: as it was judged.

    Raises:
        DataError: the manifest or the suite is not what a stage writes.
    """
    content = manifest.read_if_there(lake, commit, dataset, number)
    suite = str(content.get("verdicts", {}).get("suite", ""))
    rules = Rules(suite, _expectations(lake, commit, dataset, number, content))
    return _as_judged(rules, content) if settings is None else _judged_by(rules, settings)


def _expectations(
    lake: Lake, commit: str, dataset: str, number: int, content: Mapping[str, Any]
) -> dict[str, Mapping[str, Any]]:
    suite = stored_suite.read(lake, commit, dataset, number)
    if suite is None:
        described = content.get("verdicts", {}).get("expectations", {})
        return {name: _expectation(entry) for name, entry in described.items()}
    return {
        rule.name: _expectation(
            {
                "severity": rule.severity,
                "type": rule.type,
                "columns": list(rule.columns),
                "limits": rule.limits,
            }
        )
        for rule in suite.rules
    }


def _expectation(described: Mapping[str, Any]) -> dict[str, Any]:
    """An expectation by its parts, the arguments beside them."""
    parts = {
        name: described[name] for name in ("severity", "type", "columns") if described.get(name)
    }
    arguments = described.get("limits")
    return {**parts, **arguments} if isinstance(arguments, Mapping) else parts


def _as_judged(rules: Rules, content: Mapping[str, Any]) -> Rules:
    """Add the limits by which a round was judged; if it was not, those of its settings."""
    settings = content.get("settings", {}).get("publish")
    publish = _parsed(settings)
    answer = content.get("guard") or {}
    texts = {check["name"]: check["limit"] for check in answer.get("checks", [])}
    if publish is not None and (not answer or _confirms(answer, texts, publish)):
        return _judged_by(rules, publish)
    added = {name: {"limit": text} for name, text in texts.items() if name not in BUILT_IN}
    return replace(rules, texts=_built_in(texts), checks=added)


def _parsed(settings: object) -> Publish | None:
    """Settings in a manifest; None if there are none, or another release wrote other ones."""
    try:
        return strictly(Publish, settings)
    except ValidationError:
        return None


def _judged_by(rules: Rules, publish: Publish) -> Rules:
    checks = {name: dict(given) for name, given in publish.checks.items()}
    return replace(rules, limits=publish.guard, texts=_texts(publish.guard), checks=checks)


def _confirms(answer: Mapping[str, Any], texts: Mapping[str, str], publish: Publish) -> bool:
    """Tell whether the guard's answer was given by these settings, as far as it tells."""
    if publish.checks:  # the digest of the limits covers files that are not at hand
        return _built_in(texts) == _texts(publish.guard)
    return bool(answer.get("limits") == publish.guard.digest)


def _built_in(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if name in BUILT_IN}


def _texts(limits: Limits) -> dict[str, str]:
    """The limits of the guard's own checks as text, as its answer has them."""
    return {rule.name: hold(rule, exact(None, ""), limits).limit for rule in RULES}
