"""The round that a ref names: that of its branch or tag, or the last one that a commit holds."""

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
"""Sections of a round's manifest that the guard needs, with the stages that write them."""


@dataclass(frozen=True, slots=True)
class RoundRef:
    """A round at a commit."""

    ref: str
    """The branch, tag or commit that named it."""
    dataset: str
    number: int
    commit: str
    line: str = refs.MAIN

    @property
    def key(self) -> str:
        """The round's name in params.yaml."""
        return f"{self.dataset}-{self.number}"


def find(params: Params, lake: Lake, ref: str, dataset: str | None) -> list[RoundRef]:
    """Find the rounds that a ref names.

    Args:
        params: settings of the project, which name the data sets to look for in a commit.
        lake: the lake.
        ref: a round's branch or tag, which names that round; any other branch, tag or commit names
            the last round of each data set that it holds.
        dataset: name of the only data set to look for; None: any.

    Raises:
        NotFoundError: there is no such ref, or it holds no synthetic round.
        UsageError: the ref names a round of another data set, or real data.
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
    rounds = {name: tables.rounds(lake, commit, name) for name in names}
    if dataset is not None:
        wanted_dataset(params, dataset, also=[name for name in rounds if rounds[name]])
    last = {name: max(numbers, default=0) for name, numbers in rounds.items()}
    round_refs = [RoundRef(ref, name, number, commit) for name, number in last.items() if number]
    if not round_refs:
        raise NotFoundError(
            f"{ref} holds no synthetic round of {' or '.join(names) or 'any data set'}"
        )
    return round_refs


def find_only(params: Params, lake: Lake, ref: str, dataset: str | None, what: str) -> RoundRef:
    """Find the one round that a ref names.

    Args:
        params: as in `find`, as are `lake`, `ref` and `dataset`.
        lake: see there.
        ref: see there.
        dataset: see there.
        what: what --dataset is to say where the ref holds several data sets.

    Raises:
        NotFoundError: as `find`.
        UsageError: as `find`; or the ref names rounds of several data sets.
    """
    rounds = find(params, lake, ref, dataset)
    if len(rounds) > 1:
        names = " and ".join(each.dataset for each in rounds)
        raise UsageError(f"{ref} holds {names}; say with --dataset {what}")
    return rounds[0]


def shared_dataset(left: str, right: str) -> str | None:
    """The data set of whose rounds both refs are tags or branches; None where they are not."""
    matches = (refs.TAG.match(ref) or refs.BRANCH.match(ref) for ref in (left, right))
    names = {match["dataset"] if match else None for match in matches}
    return names.pop() if len(names) == 1 else None


def settings(params: Params, round_ref: RoundRef) -> tuple[Round, str]:
    """The settings of a round, and a phrase that says where its limits come from."""
    if round_ref.key in params.rounds:
        round_ = replace(resolve(params, round_ref.key), line=round_ref.line)
        return round_, f"limits of rounds.{round_ref.key} in params.yaml"
    dataset = params.datasets.get(round_ref.dataset)
    limits = f"limits of datasets.{round_ref.dataset}" if dataset else "default limits"
    missing = f"rounds.{round_ref.key}" if dataset else f"datasets.{round_ref.dataset}"
    dataset = dataset or Dataset(identity=("sample_id",), ingest=Ingest(source=""))
    round_ = Round(
        key=round_ref.key,
        dataset=round_ref.dataset,
        number=round_ref.number,
        previous=round_ref.number - 1,
        generator="",
        line=round_ref.line,
        seed=params.seed,
        identity=dataset.identity,
        settings=dataset,
    )
    return round_, f"{limits}: params.yaml has no {missing}"


def evaluated(lake: Lake, round_ref: RoundRef) -> dict[str, Any]:
    """The manifest of a round whose stages up to `evaluate` have run.

    Raises:
        NotFoundError: one has not run; the message names it.
    """
    try:
        content = manifest.read(lake, round_ref.commit, round_ref.dataset, round_ref.number)
    except NotFoundError:
        content = {}
    for section, stage in STAGES:
        if section not in content:
            raise NotFoundError(
                f"{round_ref.key} at {round_ref.ref} cannot be judged yet: it lacks what the stage "
                f"{stage} writes; run `dvc repro publish@{round_ref.key}`"
            )
    return content


def of_branch(lake: Lake, ref: str) -> RoundRef | None:
    """The round of whose branch a ref is the name; None if there is no such branch."""
    branch = refs.BRANCH.match(ref)
    head = lake.head(ref) if branch else None
    if branch is None or head is None:
        return None
    line = branch["line"] or refs.MAIN
    return RoundRef(ref, branch["dataset"], int(branch["round"]), head, line)


def _named(lake: Lake, ref: str) -> RoundRef | None:
    """The round that a branch or tag is named after."""
    tag, round_ref = refs.TAG.match(ref), of_branch(lake, ref)
    if round_ref is not None:
        return round_ref
    if tag and (commit := lake.tags(ref).get(ref)) is not None:
        return RoundRef(ref, tag["dataset"], int(tag["round"]), commit)
    return None
