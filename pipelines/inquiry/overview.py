"""List the rounds of a data set in the lake: published ones, and branches of unpublished ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage import curation
from lineage.evidence import number
from pipelines.gate import rejections, reviews
from pipelines.inquiry import ingest_summary, overrides
from pipelines.params import Params, resolve
from pipelines.rounds import adoption, history, manifest, parts
from pipelines.rounds.history import Published
from pipelines.rounds.metadata import StageMetadata
from pipelines.verification.verdicts import page_store


def collect(lake: Lake, dataset: str, params: Params | None = None) -> dict[str, Any]:
    """List the published rounds of a data set, and the branches of unpublished ones.

    Args:
        lake: The lake.
        dataset: The data set's name.
        params: Versions and settings to compare with; None: no round counts as outdated.

    Returns:
        `rounds`: for each round on main its number, state, commit, tag, branch, counts, guard
        result, override, metrics and pages, and under `outdated` the versions that have changed
        since it was made; `open`: the same for branches whose head is not on main.
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
            round_.commit,
            ref=tags.get(round_.commit, round_.commit),
            state="published",
        )
        | {
            "tag": tags.get(round_.commit),
            "branch": refs.branch_name(dataset, number),
            "override": _override(lake, round_),
            "outdated": _outdated(lake, params, round_, f"{dataset}-{number}"),
        }
        for number, round_ in sorted(held.items())
    ]
    return {"rounds": published, "open": list(_open(lake, dataset, held))}


def _override(lake: Lake, published: Published) -> dict[str, Any] | None:
    """Who published a round against the guard, when and why; None where nobody did."""
    override = overrides.of_merge(lake.resolve(published.commit))
    return override.to_dict() | {"sentence": override.sentence} if override else None


def _outdated(
    lake: Lake, params: Params | None, published: Published, key: str
) -> dict[str, list[str]]:
    """List the versions that have changed since a round of params.yaml was made."""
    if params is None or key not in params.rounds:
        return {}
    round_ = resolve(params, key)
    return adoption.outdated_versions(lake, round_, published.source)


def _open(lake: Lake, dataset: str, held: Mapping[int, Published]) -> Iterator[dict[str, Any]]:
    """Yield the branches of rounds whose head is not on main."""
    current = {round_.source for round_ in held.values()}
    merged = {
        commit.parents[-1]
        for commit in lake.log(refs.MAIN, first_parent=True)
        if (metadata := StageMetadata.from_commit(commit)) and metadata.dataset == dataset
    }
    rejected = rejections.of_dataset(lake, dataset)
    for branch, commit in sorted(lake.branches(f"{dataset}-r").items()):
        match = refs.BRANCH.match(branch)
        if not match or commit in current or match["dataset"] != dataset:
            continue
        head, number = lake.resolve(commit), int(match["round"])
        metadata = StageMetadata.from_commit(head)
        stage = metadata.stage if metadata else None
        if stage in (None, "publish"):
            continue
        records = [record for record in rejected if record.round == number]
        rejection = reviews.rejection(head) or reviews.matching(lake, commit, records)
        entry = _entry(lake, dataset, number, commit, ref=branch)
        if commit in merged:
            entry["state"] = "superseded"
        elif rejection is not None:
            entry["state"] = "rejected"
        elif stage == "verify" and _stopped(lake, dataset, number, commit):
            entry["state"] = "blocked"
        line = match["line"] or refs.MAIN
        reason = rejection.reason if rejection else None
        more = {"tag": None, "branch": branch, "line": line, "stage": stage, "rejected": reason}
        yield entry | more


def _stopped(lake: Lake, dataset: str, number: int, commit: str) -> bool:
    """Whether a critical expectation about the whole round is not passed."""
    verdicts = parts.verdicts_against(lake, commit, dataset, number)
    return not curation.stopping(verdicts).is_empty()


def _entry(
    lake: Lake, dataset: str, number: int, commit: str, *, ref: str, state: str | None = None
) -> dict[str, Any]:
    """Describe a round by its manifest at a commit."""
    try:
        content = manifest.read(lake, commit, dataset, number)
    except NotFoundError:
        content = {}
    guard = content.get("guard")
    if state is None:
        state = _state(guard)
    return {
        "round": number,
        "state": state,
        "arrivals": content.get(manifest.ARRIVALS),
        "commit": commit,
        "counts": content.get("counts", {}),
        "lost_shards": content.get("generation", {}).get("lost_shards"),
        "guard": guard,
        "metrics": content.get("metrics", {}),
        "cost": content.get("cost", {}),
        "pages": page_store.links(lake, ref, dataset, number, content),
        "ingest": ingest_summary.read(dataset, number, content).to_dict(),
        **_weight(content),
    }


def _weight(content: Mapping[str, Any]) -> dict[str, float]:
    """The weight of a real row in the mix that a round learned from, where it is not 1."""
    weight = number(content, "mix", "real_weight")
    share = number(content, "mix", "real_share")
    return {} if weight in (None, 1.0) or not share else {"real_weight": weight}


def _state(guard: Mapping[str, Any] | None) -> str:
    """The state of an unpublished round by the guard's answer."""
    if guard is None:
        return "in progress"
    return "blocked" if guard["verdict"] == "block" else "judged"
