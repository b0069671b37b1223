"""Stage keys: one digest of everything that a stage's result depends on.

Two runs with the same key give the same result, so a stage that finds its key in the lake adopts
the commit that carries it. A key has two parts:

- the *recipe*: settings that differ from their default and are not operational, digests of the
  user's files, seeds and names, and the recipes of the preceding stages;
- the *versions* of the stage and of the plug-ins that it uses. A version is raised when output
  changes for equal input; the bytes of the package's code are in no key.

A published result of the same recipe and other versions stays as it is, and is called outdated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.common import digests


@dataclass(frozen=True, slots=True)
class StageKey:
    """The key of a stage's result."""

    key: str
    """SHA-256 (64 hex digits) of recipe, versions and the keys of the preceding stages."""
    recipe: str | None
    """SHA-256 (64 hex digits) of everything but versions; None in format 1, which has none."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of the stage and of its plug-ins, by name."""


def stage_key(
    stage: str,
    *,
    versions: Mapping[str, str],
    settings: Mapping[str, Any],
    files: Mapping[str, str],
    inputs: Mapping[str, object],
    before: Mapping[str, StageKey],
) -> StageKey:
    """Compute the key of a stage.

    Args:
        stage: the stage's name.
        versions: versions of the stage and of the plug-ins that it uses, by name.
        settings: settings as `pipelines.common.settings.key_content` returns them.
        files: digests of the user's files, by name.
        inputs: names, numbers and seeds that the stage reads.
        before: keys of the stages whose results it reads.
    """
    content = {
        "stage": stage,
        "settings": dict(settings),
        "files": dict(files),
        "inputs": dict(inputs),
        "before": {name: earlier.recipe for name, earlier in before.items()},
    }
    recipe = digests.of_json(content)
    keys = {name: earlier.key for name, earlier in before.items()}
    key = digests.of_json({"recipe": recipe, "versions": dict(versions), "before": keys})
    return StageKey(key, recipe, dict(versions))


def raised(stored: StageKey, current: StageKey) -> dict[str, tuple[str | None, str | None]]:
    """The versions that differ between two keys, by name: (stored, current)."""
    names = sorted({*stored.versions, *current.versions})
    pairs = {name: (stored.versions.get(name), current.versions.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
