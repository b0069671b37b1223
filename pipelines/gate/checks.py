"""The guard, with the checks that a project adds to the built-in ones.

Verdicts of added checks are part of the guard's answer. If there are any, the digest of the limits
covers their settings, versions and files too, so that an answer identifies the checks behind it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lineage import guard
from lineage.checks import RULES
from lineage.evidence import Check, Evidence
from lineage.guard import GuardResult
from lineage.limits import Limits
from pipelines.common import digests, plugin_modules
from pipelines.common.errors import ParamsError
from pipelines.params import Publish
from pipelines.rounds import guard_checks
from pipelines.rounds.guard_checks import CHECKS, CheckResult, GuardCheck


def judge(evidence: Evidence, settings: Publish) -> GuardResult:
    """Judge a round by the guard's built-in checks and by those that params.yaml adds.

    Args:
        evidence: the evidence about the round; any part of it may be missing.
        settings: settings of the stage `publish`.

    Raises:
        ParamsError: an added check does not exist, has the name of another check, or has a wrong
            setting.
    """
    result = guard.judge(evidence, settings.guard)
    if not settings.checks:
        return result
    added = tuple(_added(evidence, settings))
    return replace(
        result, checks=(*result.checks, *added), limits=_digest(result.limits, settings.checks)
    )


def _added(evidence: Evidence, settings: Publish) -> Iterator[Check]:
    taken = {rule.name for rule in RULES}
    for reference, check_settings in guard_checks.settings(settings.checks).items():
        check = CHECKS.load(reference)
        if check.name in taken:
            raise ParamsError(
                f"the check {reference!r} is called {check.name!r}, as another one is; give it "
                f"another name"
            )
        taken.add(check.name)
        yield _run(check, evidence, settings.guard, check_settings)


def _run(
    check: GuardCheck[Any],
    evidence: Evidence,
    limits: Limits,
    settings: Any,  # noqa: ANN401  each check has its own model
) -> Check:
    """Run a check; one that raises counts as a figure that could not be computed."""
    try:
        result = check.judge(evidence, limits, settings)
    except Exception as error:  # noqa: BLE001  the user's code can raise anything
        detail = f"the check failed with {plugin_modules.first_line(error)}"
        result = CheckResult(None, limits.unknown, detail)
    if result.value is not None and not math.isfinite(result.value):
        result = replace(result, value=None, verdict=limits.unknown)
    return Check(check.name, result.value, result.limit, result.verdict, result.detail)


def _digest(limits: str, checks: Mapping[str, Mapping[str, Any]]) -> str:
    """Digest of the limits and of the added checks: settings, versions and digests of files."""
    added = {
        reference: {
            "version": CHECKS.find(reference).version,
            "settings": dict(given),
            "file": digests.of_file(source) if (source := CHECKS.source(reference)) else None,
        }
        for reference, given in checks.items()
    }
    return digests.of_json({"limits": limits, "checks": added})
