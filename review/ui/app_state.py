"""What the handlers of the page share: the project, its lake, and who is let in."""

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
        """What params.yaml says now."""
        return load()

    def context(self, round_ref: RoundRef) -> RoundContext:
        """The context of a round, with the settings that params.yaml gives it now."""
        params = self.params
        return RoundContext(params, round_refs.settings(params, round_ref)[0], self.lake)


def of(request: Request) -> AppState:
    """What the handlers of a request's application share."""
    state: AppState = request.app.state.shared
    return state


def target(lake: Lake, dataset: str, branch: str) -> RoundRef:
    """The round of a branch; where the branch is gone, as main holds it.

    Raises:
        NotFoundError: there is no such round of the data set.
    """
    named = refs.BRANCH.match(branch)
    number = int(named["round"]) if named and named["dataset"] == dataset else 0
    line = (named["line"] if named else None) or refs.MAIN
    head = lake.head(branch) if number else None
    if head is None and number and line == refs.MAIN:
        held = history.published(lake, dataset).get(number)
        head = held.source if held else None
    if head is None:
        raise NotFoundError(f"there is no branch {branch} of a round of {dataset}; see the rounds")
    return RoundRef(branch, dataset, number, head, line)


@dataclass(frozen=True, slots=True)
class Known:
    """What the lake holds of a data set, as `stemma status` tells it."""

    rounds: list[dict[str, Any]]
    """Published, by number."""
    open: list[dict[str, Any]]
    """Branches of rounds that main does not hold."""

    @property
    def whole(self) -> list[dict[str, Any]]:
        """All of them, by number, a published one before its branch."""
        return sorted(self.rounds + self.open, key=lambda each: int(each["round"]))

    @property
    def line(self) -> list[dict[str, Any]]:
        """Published rounds, and those on the line that publishes that are to follow them."""
        held = {each["round"] for each in self.rounds}
        more = (
            each
            for each in self.open
            if each["line"] == refs.MAIN
            and each["state"] != "superseded"
            and each["round"] not in held
        )
        return sorted([*self.rounds, *more], key=lambda each: int(each["round"]))

    def at(self, ref: str) -> dict[str, Any] | None:
        """The round of a branch or tag; a branch that main does not hold comes first."""
        found = (
            each for each in [*self.open, *self.rounds] if ref in (each["branch"], each["tag"])
        )
        return next(found, None)


def known(desk: AppState, dataset: str) -> Known:
    """What the lake holds of a data set, read again when a branch or tag has moved.

    Raises:
        UsageError: there is no such data set.
    """
    wanted_dataset(desk.params, dataset)
    lake = desk.lake
    moved = (*sorted(lake.branches().items()), *sorted(lake.tags(f"{dataset}-v").items()))
    return _collected(lake, dataset, moved)


@lru_cache(maxsize=16)
def _collected(lake: Lake, dataset: str, _: Hashable) -> Known:
    found = overview.collect(lake, dataset)
    return Known(found["rounds"], found["open"])
