"""What the lake knows of a version, for cards and for summaries of training data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lake.client import Lake
from lineage.manifest import MixManifest
from pipelines.rounds import manifest, tables


@dataclass(frozen=True, slots=True)
class Source:
    """Where real rows are from."""

    name: str
    licence: str | None
    round: int


@dataclass(frozen=True, slots=True)
class RoundFacts:
    """A round of the mix."""

    number: int
    rows: int
    """Of the mix."""
    kinds: Mapping[str, int]
    """Rows by kind."""
    generator: str
    """The kind and the digest of what made it; empty for real data."""
    verdict: str
    """The guard's; empty for real data."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the lake knows of the training mix at a version."""

    dataset: str
    ref: str
    commit: str
    modality: str
    mix: MixManifest
    rounds: tuple[RoundFacts, ...]
    sources: tuple[Source, ...]
    checks: tuple[Mapping[str, Any], ...]
    """The guard's checks of the last generated round: name, verdict, value, limit, evidence."""
    manifests: tuple[Mapping[str, Any], ...]
    """Of the rounds, in order."""

    @property
    def kinds(self) -> Counter[str]:
        """Rows of the mix by kind."""
        total: Counter[str] = Counter()
        for each in self.rounds:
            total.update(each.kinds)
        return total

    @property
    def synthetic(self) -> int:
        """Rows of the mix that are not real as they were found: synthetic or edited."""
        return sum(count for kind, count in self.kinds.items() if kind != "real")


def collect(
    lake: Lake,
    ref: str,
    mix: MixManifest,
    kinds: Mapping[tuple[int | None, str], int],
) -> Facts:
    """Read what the manifests of the rounds of a mix say.

    Args:
        lake: the lake.
        ref: branch, tag or commit as it was given.
        mix: the training mix at a commit.
        kinds: rows of the mix by round and kind.
    """
    content = {
        number: manifest.read_if_there(lake, mix.commit, mix.dataset, number)
        for number in tables.rounds(lake, mix.commit, mix.dataset)
    }
    found = [content[part.round] for part in mix.rounds]
    sources = [
        Source(str(each["source"]), each.get("licence"), number)
        for number, each in content.items()
        if each.get("source")
    ]
    return Facts(
        dataset=mix.dataset,
        ref=ref,
        commit=mix.commit,
        modality=str(content[min(content)].get("modality", "")),
        mix=mix,
        rounds=tuple(
            _round(
                part.round,
                part.rows,
                content[part.round],
                {kind: count for (at, kind), count in kinds.items() if at == part.round},
            )
            for part in mix.rounds
        ),
        sources=tuple(sources),
        checks=_checks(found),
        manifests=tuple(found),
    )


def _round(
    number: int, rows: int, content: Mapping[str, Any], kinds: Mapping[str, int]
) -> RoundFacts:
    generator, guard = content.get("generator") or {}, content.get("guard") or {}
    digest = str(generator.get("digest", ""))[:12]
    made = f"{generator.get('kind', 'generator')} {digest}" if digest else ""
    verdict = str(guard.get("verdict", ""))
    return RoundFacts(number, rows, dict(kinds), made, verdict)


def _checks(manifests: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """The checks of the last round that the guard has judged."""
    for content in reversed(manifests):
        checks = (content.get("guard") or {}).get("checks")
        if checks:
            return tuple(checks)
    return ()
