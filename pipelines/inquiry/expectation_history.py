"""What an expectation said over the rounds of a data set, and when it or its suite changed.

Everything is what the manifests of the rounds record: counts of verdicts, severity and limits as
they were then. A count says nothing about a round whose suite did not have the expectation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.rounds import history, manifest
from pipelines.rounds.metadata import StageMetadata

COUNTED: Final = ("passed", "failed", "unknown")
WARNING: Final = "warning"
COMPARED: Final = ("type", "columns", "severity", "limits")
"""What makes an expectation another one."""


@dataclass(frozen=True, slots=True)
class RoundVerdicts:
    """The verdicts of an expectation on a round."""

    dataset: str
    round: int
    ref: str
    """The branch of a round that main does not hold; else main."""
    commit: str
    suite: str
    """Digest of the suite."""
    suite_changed: bool
    """Whether the suite is another one than that of the round before."""
    entry: Mapping[str, Any] | None
    """What the manifest says of the expectation; None: the suite did not have it."""
    changed: tuple[str, ...]
    """What of the expectation is another than in the round before that had it."""

    @property
    def judged(self) -> int:
        """Rows that were judged; 1 of an expectation about the whole round."""
        return sum(self._count(name) for name in COUNTED)

    @property
    def share(self) -> float | None:
        """Share of the verdicts that passed; None without any."""
        return self._count("passed") / self.judged if self.judged else None

    @property
    def warned(self) -> int:
        """Verdicts that only warn and did not pass."""
        warns = self.entry is not None and self.entry.get("severity") == WARNING
        return self._count("failed") + self._count("unknown") if warns else 0

    def _count(self, name: str) -> int:
        return int(self.entry.get(name, 0)) if self.entry is not None else 0

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        entry = self.entry or {}
        return {
            "dataset": self.dataset,
            "round": self.round,
            "ref": self.ref,
            "commit": self.commit,
            "suite": self.suite,
            "suite_changed": self.suite_changed,
            "in_suite": self.entry is not None,
            "level": entry.get("level"),
            "severity": entry.get("severity"),
            "judged": self.judged,
            **{name: self._count(name) for name in COUNTED},
            "warned": self.warned,
            "pass_share": self.share,
            "threshold": entry.get("limits"),
            "sentence": entry.get("sentence"),
            "changed": list(self.changed),
        }


def over_rounds(lake: Lake, dataset: str, name: str) -> list[RoundVerdicts]:
    """The verdicts of an expectation on all verified rounds of main and of branches, in order."""
    found, suite, last = list[RoundVerdicts](), "", dict[str, Any]()
    for number, ref, commit, section in _verified(lake, dataset):
        entry = section.get("expectations", {}).get(name)
        now = str(section.get("suite", ""))
        found.append(
            RoundVerdicts(
                dataset=dataset,
                round=number,
                ref=ref,
                commit=commit,
                suite=now,
                suite_changed=bool(suite) and now != suite,
                entry=entry,
                changed=_changed(entry, last),
            )
        )
        suite, last = now, dict(entry) if entry is not None else last
    return found


def _changed(now: Mapping[str, Any] | None, last: Mapping[str, Any]) -> tuple[str, ...]:
    """What of an expectation is another than in the round before that had it."""
    if now is None or not last:
        return ()
    return tuple(name for name in COMPARED if now.get(name) != last.get(name))


def names(lake: Lake, dataset: str) -> list[str]:
    """Names of all expectations that any of these rounds was judged by."""
    sections = (section for *_, section in _verified(lake, dataset))
    return sorted({name for section in sections for name in section.get("expectations", {})})


def _verified(lake: Lake, dataset: str) -> Iterator[tuple[int, str, str, Mapping[str, Any]]]:
    """Number, ref, commit and section `verdicts` of each verified round."""
    try:
        published = history.published(lake, dataset)
    except NotFoundError:
        published = {}
    held = [(number, refs.MAIN, each.commit) for number, each in published.items()]
    for branch, head in lake.branches(f"{dataset}-r").items():
        match = refs.BRANCH.match(branch)
        if match is None or match["dataset"] != dataset:
            continue
        number = int(match["round"])
        metadata = StageMetadata.from_commit(lake.resolve(head))
        known = published.get(number)
        if metadata is not None and (known is None or known.source != head):
            held.append((number, branch, head))
    for number, ref, commit in sorted(held, key=lambda each: (each[0], each[1] != refs.MAIN)):
        section = manifest.read_if_there(lake, commit, dataset, number).get("verdicts")
        if section is not None:
            yield number, ref, commit, section
