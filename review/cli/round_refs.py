"""Which round a command is about: the one of a branch or tag, or the last one of a commit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.params import Dataset, Ingest, Params, Round, resolve
from pipelines.rounds import manifest, tables
from review.cli.datasets import wanted_dataset, wanted_datasets
from review.errors import UsageError

STAGES = (
    ("generator", "generate"),
    ("verdicts", "verify"),
    ("reasons", "curate"),
    ("metrics", "evaluate"),
    ("next_mix", "evaluate"),
)
"""Sections of a round's manifest that it needs to be judged, with the stages that write them."""


@dataclass(frozen=True, slots=True)
class RoundRef:
    """A round at a commit."""

    ref: str
    """What was asked for."""
    dataset: str
    number: int
    commit: str
    line: str = refs.MAIN

    @property
    def key(self) -> str:
        """The round's name in params.yaml."""
        return f"{self.dataset}-{self.number}"


def find(params: Params, lake: Lake, ref: str, dataset: str | None) -> list[RoundRef]:
    """The rounds that a ref is about.

    Args:
        params: names the data sets to look for in a commit.
        lake: the lake.
        ref: a round's branch or tag, which is about that round; any other branch, tag or commit is
            about the last round of each data set that it holds.
        dataset: only this one.

    Raises:
        NotFoundError: there is no such ref, or it holds no synthetic round.
        UsageError: the ref is about another data set, or about real data.
    """
    named = _named(lake, ref)
    if named is not None and dataset not in (None, named.dataset):
        raise UsageError(f"{ref} is about {named.dataset}, not about {dataset}")
    if named is not None and named.number == 0:
        raise UsageError(f"{ref} is about real data, which no guard judges")
    if named is not None:
        return [named]
    commit = lake.resolve(ref).id
    names = [dataset] if dataset is not None else wanted_datasets(params, None)
    held = {name: tables.rounds(lake, commit, name) for name in names}
    if dataset is not None:
        wanted_dataset(params, dataset, also=[name for name in held if held[name]])
    last = {name: max(numbers, default=0) for name, numbers in held.items()}
    found = [RoundRef(ref, name, number, commit) for name, number in last.items() if number]
    if not found:
        raise NotFoundError(
            f"{ref} holds no synthetic round of {' or '.join(names) or 'any data set'}"
        )
    return found


def shared_dataset(left: str, right: str) -> str | None:
    """The data set of whose rounds both refs are tags or branches; None where they are not."""
    matches = (refs.TAG.match(ref) or refs.BRANCH.match(ref) for ref in (left, right))
    names = {match["dataset"] if match else None for match in matches}
    return names.pop() if len(names) == 1 else None


def settings(params: Params, target: RoundRef) -> tuple[Round, str]:
    """The settings of a round, and in words where its limits come from."""
    if target.key in params.rounds:
        round_ = replace(resolve(params, target.key), line=target.line)
        return round_, f"limits of rounds.{target.key} in params.yaml"
    known = params.datasets.get(target.dataset)
    limits = f"limits of datasets.{target.dataset}" if known else "default limits"
    missing = f"rounds.{target.key}" if known else f"datasets.{target.dataset}"
    own = known or Dataset(identity=("sample_id",), ingest=Ingest(source=""))
    round_ = Round(
        key=target.key,
        dataset=target.dataset,
        number=target.number,
        previous=target.number - 1,
        generator="",
        line=target.line,
        seed=params.seed,
        identity=own.identity,
        settings=own,
    )
    return round_, f"{limits}: params.yaml has no {missing}"


def evaluated(lake: Lake, target: RoundRef) -> dict[str, Any]:
    """The manifest of a round that has come far enough to be judged.

    Raises:
        NotFoundError: it has not; the message names the stage that is missing.
    """
    try:
        content = manifest.read(lake, target.commit, target.dataset, target.number)
    except NotFoundError:
        content = {}
    for section, stage in STAGES:
        if section not in content:
            raise NotFoundError(
                f"{target.key} at {target.ref} cannot be judged yet: it lacks what the stage "
                f"{stage} writes; run `dvc repro publish@{target.key}`"
            )
    return content


def _named(lake: Lake, ref: str) -> RoundRef | None:
    """The round that a branch or tag is named after."""
    branch, tag = refs.BRANCH.match(ref), refs.TAG.match(ref)
    if branch and (head := lake.head(ref)) is not None:
        line = branch["line"] or refs.MAIN
        return RoundRef(ref, branch["dataset"], int(branch["round"]), head, line)
    if tag and (commit := lake.tags(ref).get(ref)) is not None:
        return RoundRef(ref, tag["dataset"], int(tag["round"]), commit)
    return None
