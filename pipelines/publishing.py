"""Bringing a round into main: who may be superseded, the merge, the tag that never moves."""

from __future__ import annotations

import json
from collections.abc import Mapping

from lake import refs
from lake.client import Lake
from lake.errors import Conflict
from lake.values import Commit
from pipelines import receipts
from pipelines.errors import StaleError
from pipelines.history import Published


def refuse_unknown(
    dataset: str, number: int, held: Mapping[int, Published], *, supersede: bool, redo: str
) -> None:
    """Stop before rounds are superseded that this checkout's receipts do not know.

    Args:
        dataset: the data set.
        number: the round about to be made; it supersedes itself and all later ones.
        held: what main holds of the data set.
        supersede: the person said so.
        redo: the command that would supersede deliberately.

    Raises:
        StaleError: main holds such a round.
    """
    if supersede:
        return
    known = receipts.known(dataset)
    for other, found in sorted(held.items()):
        receipt = known.get(other)
        if other >= number and (receipt is None or receipt.commit != found.commit):
            raise StaleError(
                f"main holds round {other} of {dataset} at {found.commit[:12]}, which the receipts "
                f"in rounds/{dataset} do not know; fetch your team's receipts (git pull), or "
                f"replace it deliberately with `{redo} --supersede` and then `dvc repro`"
            )


def supersede(
    lake: Lake, dataset: str, number: int, branch: str, about: Mapping[str, str]
) -> tuple[str, str]:
    """Cut a branch from main's head, without the partitions that the round supersedes.

    The removal is a commit of its own, so `main...branch` shows what a merge would change.

    Returns:
        The commit to go on from (main's head, or the removal), and main's head.
    """
    base = lake.resolve(refs.MAIN).id
    lake.set_branch(branch, base)
    outdated = [
        item.path
        for item in lake.objects(base, f"{dataset}/")
        if (refs.round_of(item.path) or 0) >= number
    ]
    if not outdated:
        return base, base
    lake.delete(branch, outdated)
    message = f"Remove round {number} and later of {dataset}"
    return lake.commit(branch, message, {**about, "stemma.stage": "supersede"}).id, base


def claim(lake: Lake, branch: str, dataset: str, number: int, key: str) -> None:
    """Stage what makes two concurrent merges of a data set conflict (docs/decisions/0006)."""
    content = {"round": number, "input_key": key}
    data = json.dumps(content, indent=2, sort_keys=True).encode() + b"\n"
    lake.write_bytes(branch, refs.head(dataset), data, "application/json")


def merge(lake: Lake, source: str, message: str, about: Mapping[str, str]) -> Commit:
    """Merge a round into main.

    Raises:
        StaleError: main moved for this data set meanwhile.
    """
    try:
        return lake.merge(source, refs.MAIN, message, about)
    except Conflict as error:
        raise StaleError("main changed at the same time; run `dvc repro` again") from error


def ensure_tag(lake: Lake, dataset: str, number: int, commit: str) -> str:
    """Return the tag of a published round, creating it when a killed stage did not get to it."""
    while True:
        tags = lake.tags(f"{dataset}-v{number}")
        found = sorted(
            name for name, target in tags.items() if target == commit and refs.TAG.match(name)
        )
        if found:
            return found[0]
        try:
            lake.tag(refs.next_tag(dataset, number, tags), commit)
        except Conflict:
            continue  # somebody took the name: look again
