"""The state that the handlers of the page share: the project, its lake, and the session."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from starlette.requests import Request

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.inquiry import overview
from pipelines.params import Params, load
from pipelines.rounds import history
from pipelines.rounds.context import RoundContext
from review.cli import round_refs
from review.cli.datasets import wanted_dataset
from review.cli.round_refs import RoundRef
from review.ui.session import Session


@dataclass(frozen=True, slots=True, eq=False)
class AppState:
    """The project in the current directory, and its lake."""

    lake: Lake
    session: Session

    @property
    def params(self) -> Params:
        """The settings in params.yaml at present."""
        return load()

    def context(self, round_ref: RoundRef) -> RoundContext:
        """The context of a round, with its settings in params.yaml at present."""
        params = self.params
        return RoundContext(params, round_refs.settings(params, round_ref)[0], self.lake)


def of(request: Request) -> AppState:
    """The shared state of a request's application."""
    state: AppState = request.app.state.shared
    return state


def round_ref(lake: Lake, dataset: str, branch: str) -> RoundRef:
    """The round of a branch, or, where the branch is gone, the round as main holds it.

    Raises:
        NotFoundError: there is no such round of the data set.
    """
    match = refs.BRANCH.match(branch)
    number = int(match["round"]) if match and match["dataset"] == dataset else 0
    line = (match["line"] if match else None) or refs.MAIN
    head = lake.head(branch) if number else None
    if head is None and number and line == refs.MAIN:
        held = history.published(lake, dataset).get(number)
        head = held.source if held else None
    if head is None:
        raise NotFoundError(f"there is no branch {branch} of a round of {dataset}; see the rounds")
    return RoundRef(branch, dataset, number, head, line)


def requested_round(request: Request) -> tuple[AppState, RoundRef]:
    """The project, and the round that the address of a request names.

    Raises:
        NotFoundError: there is no such round of the data set.
    """
    state = of(request)
    dataset, branch = request.path_params["dataset"], request.path_params["branch"]
    return state, round_ref(state.lake, dataset, branch)


@dataclass(frozen=True, slots=True)
class DatasetRounds:
    """The rounds of a data set in the lake, as `stemma status` lists them."""

    rounds: list[dict[str, Any]]
    """Published rounds, by number."""
    open: list[dict[str, Any]]
    """Branches of rounds that main does not hold."""

    @property
    def all(self) -> list[dict[str, Any]]:
        """All rounds by number, a published one before its branch."""
        return sorted(self.rounds + self.open, key=lambda entry: int(entry["round"]))

    @property
    def mainline(self) -> list[dict[str, Any]]:
        """Published rounds, and rounds in progress on the line main that follow them."""
        held = {entry["round"] for entry in self.rounds}
        following = (
            entry
            for entry in self.open
            if entry["line"] == refs.MAIN
            and entry["state"] != "superseded"
            and entry["round"] not in held
        )
        return sorted([*self.rounds, *following], key=lambda entry: int(entry["round"]))

    def find(self, ref: str) -> dict[str, Any] | None:
        """Find the round of a branch or tag; a branch that main does not hold comes first."""
        matches = (
            entry for entry in [*self.open, *self.rounds] if ref in (entry["branch"], entry["tag"])
        )
        return next(matches, None)


def dataset_rounds(state: AppState, dataset: str) -> DatasetRounds:
    """The rounds of a data set, read again when a branch or tag has moved.

    Raises:
        UsageError: there is no such data set.
    """
    wanted_dataset(state.params, dataset)
    lake = state.lake
    heads = (*sorted(lake.branches().items()), *sorted(lake.tags(f"{dataset}-v").items()))
    return _collected(lake, dataset, heads)


@lru_cache(maxsize=16)
def _collected(lake: Lake, dataset: str, _: Hashable) -> DatasetRounds:
    collected = overview.collect(lake, dataset)
    return DatasetRounds(collected["rounds"], collected["open"])
