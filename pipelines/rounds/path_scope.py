"""The scope of a commit by its changed paths: which round they belong to, and which do not.

The paths of a round are strict: its partitions, its manifest, and the head file of its data set.
Any other added path would sooner or later be read (by a scan of a whole table, for example)
although no guard judged it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lake import refs
from lake.values import Change

REAL = 0
"""Number of the round that holds real data."""
VERBS = {"added": "adds", "removed": "removes"}


def verb(change: Change) -> str:
    """What a change does to its path: it adds, removes or changes it."""
    return VERBS.get(change.kind, "changes")


def datasets(changes: Iterable[Change]) -> list[str]:
    """The sorted first parts of the paths, which are the names of data sets."""
    return sorted({item.path.partition("/")[0] for item in changes} - {refs.TAKEDOWNS})


def is_part(path: str, dataset: str, number: int) -> bool:
    """Tell whether a path belongs to a round: a partition, the manifest, or the head file."""
    if path in (refs.manifest(dataset, number), refs.head(dataset)):
        return True
    name, _, rest = path.removeprefix(f"{dataset}/").partition("/")
    within = path.startswith(f"{dataset}/") and bool(name and rest)
    return within and path.startswith(refs.partition(dataset, name, number))


def foreign(changes: Iterable[Change], dataset: str, number: int) -> Change | None:
    """The first change that publishing a round does not make; None if there is none.

    Publishing adds or changes paths of the round, and removes what the round supersedes: itself and
    later rounds of its data set.
    """
    for item in changes:
        if item.kind == "removed" and supersedes(item.path, dataset, number):
            continue
        if not is_part(item.path, dataset, number):
            return item
    return None


def supersedes(path: str, dataset: str, number: int) -> bool:
    """Tell whether a round removes a path: its own, those of later rounds; round 0 removes all.

    Reviews stay, because what was rejected once is rejected when it is made again.
    """
    if not path.startswith(f"{dataset}/") or path.startswith(refs.table(dataset, refs.REVIEWS)):
        return False
    return (refs.round_of(path) or REAL) >= number


def calibrates(changes: Sequence[Change]) -> bool:
    """Tell whether the changes add calibrations of one data set's verifiers, and nothing else."""
    return _adds_only(changes, refs.CALIBRATION)


def reviews(changes: Sequence[Change]) -> bool:
    """Tell whether the changes add records of reviews of one data set, and nothing else."""
    return _adds_only(changes, refs.REVIEWS)


def takes_down(changes: Iterable[Change]) -> bool:
    """Tell whether some change is to the records of what was taken down."""
    return any(item.path.startswith(f"{refs.TAKEDOWNS}/") for item in changes)


def _adds_only(changes: Sequence[Change], table: str) -> bool:
    """Tell whether the changes add objects to one table of one data set, and nothing else."""
    prefixes = {refs.table(name, table) for name in datasets(changes)}
    return len(prefixes) == 1 and all(
        item.kind == "added" and item.path.startswith(next(iter(prefixes))) for item in changes
    )


def rounds(changes: Iterable[Change], *kinds: str) -> list[tuple[str, int]]:
    """The rounds whose manifests were changed in one of these ways, as (data set, number)."""
    changed = []
    for item in changes:
        dataset, _, _ = item.path.partition("/")
        number = refs.round_of(item.path)
        if (
            item.kind in kinds
            and number is not None
            and item.path == refs.manifest(dataset, number)
        ):
            changed.append((dataset, number))
    return sorted(changed)


def summary(changes: Sequence[Change]) -> str:
    """Summarise changes as text: rounds by their manifests, or else the numbers of objects."""
    verbs = (("took away", "removed"), ("brought", "added"), ("changed", "changed"))
    phrases = [
        f"{verb} {named(changed)}" for verb, kind in verbs if (changed := rounds(changes, kind))
    ]
    if phrases:
        return " and ".join(phrases)
    counts = [(verb, sum(item.kind == kind for item in changes)) for verb, kind in verbs]
    return " and ".join(f"{verb} {objects(count)}" for verb, count in counts if count)


def named(round_ids: Iterable[tuple[str, int]]) -> str:
    """Format rounds as text: "round 1 of digits, round 2 of digits"."""
    return ", ".join(f"round {number} of {dataset}" for dataset, number in round_ids)


def objects(count: int) -> str:
    """Format a number of objects as text."""
    return "1 object" if count == 1 else f"{count:,} objects"
