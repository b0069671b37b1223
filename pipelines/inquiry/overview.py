"""What the lake holds of a data set: published rounds, and the branches of unpublished ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage import curate as curation
from pipelines.gate import reviews
from pipelines.params import Params, resolve
from pipelines.rounds import adoption, history, manifest, tables
from pipelines.rounds.history import Published
from pipelines.rounds.metadata import StageMetadata
from pipelines.verification.verdicts import page_store


def collect(lake: Lake, dataset: str, params: Params | None = None) -> dict[str, Any]:
    """Published rounds of a data set, and the branches of rounds that are not.

    Args:
        lake: the lake.
        dataset: the data set's name.
        params: what versions and settings are compared with; None: no round counts as outdated.

    Returns:
        `rounds`: for each round on main its number, state, commit, tag, branch, counts, guard
        result, metrics and pages, and under `outdated` the versions that made it and are others
        now; `open`: the same for branches whose head main does not hold.
    """
    tags = {commit: name for name, commit in sorted(lake.tags(f"{dataset}-v").items())}
    try:
        held = history.published(lake, dataset)
    except NotFoundError:
        held = {}
    published = [
        _entry(
            lake,
            dataset,
            number,
            found.commit,
            ref=tags.get(found.commit, found.commit),
            state="published",
        )
        | {
            "tag": tags.get(found.commit),
            "branch": refs.branch_name(dataset, number),
            "outdated": _outdated(lake, params, found, f"{dataset}-{number}"),
        }
        for number, found in sorted(held.items())
    ]
    return {"rounds": published, "open": list(_open(lake, dataset, held))}


def _outdated(
    lake: Lake, params: Params | None, published: Published, key: str
) -> dict[str, list[str]]:
    """The versions that made a round and are others now; none of what params.yaml does not have."""
    if params is None or key not in params.rounds:
        return {}
    round_ = resolve(params, key)
    return adoption.outdated_versions(lake, round_, published.source)


def _open(lake: Lake, dataset: str, held: Mapping[int, Published]) -> Iterator[dict[str, Any]]:
    """Branches of rounds whose head main does not hold now."""
    current = {found.source for found in held.values()}
    merged = {
        commit.parents[-1]
        for commit in lake.log(refs.MAIN, first_parent=True)
        if (metadata := StageMetadata.from_commit(commit)) and metadata.dataset == dataset
    }
    for branch, commit in sorted(lake.branches(f"{dataset}-r").items()):
        found = refs.BRANCH.match(branch)
        if not found or commit in current or found["dataset"] != dataset:
            continue
        head = lake.resolve(commit)
        metadata, rejection = StageMetadata.from_commit(head), reviews.rejection(head)
        stage = metadata.stage if metadata else None
        if stage in (None, "publish"):
            continue
        number = int(found["round"])
        entry = _entry(lake, dataset, number, commit, ref=branch)
        if commit in merged:
            entry["state"] = "superseded"
        elif rejection is not None:
            entry["state"] = "rejected"
        elif stage == "verify" and _stopped(lake, dataset, number, commit):
            entry["state"] = "blocked"
        line = found["line"] or refs.MAIN
        said = rejection.reason if rejection else None
        more = {"tag": None, "branch": branch, "line": line, "stage": stage, "rejected": said}
        yield entry | more


def _stopped(lake: Lake, dataset: str, number: int, commit: str) -> bool:
    """Whether the suite refuses the round as a whole."""
    verdicts = tables.read_round(lake, commit, dataset, "verdicts", number)
    return not curation.stopping(verdicts).is_empty()


def _entry(
    lake: Lake, dataset: str, number: int, commit: str, *, ref: str, state: str | None = None
) -> dict[str, Any]:
    try:
        about = manifest.read(lake, commit, dataset, number)
    except NotFoundError:
        about = {}
    guard = about.get("guard")
    judged = "blocked" if guard and guard["verdict"] == "block" else "in progress"
    return {
        "round": number,
        "state": state or ("judged" if guard and judged != "blocked" else judged),
        "commit": commit,
        "counts": about.get("counts", {}),
        "guard": guard,
        "metrics": about.get("metrics", {}),
        "cost": about.get("cost", {}),
        "pages": page_store.links(lake, ref, dataset, number, about),
    }
