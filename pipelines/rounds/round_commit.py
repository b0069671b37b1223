"""One commit protocol: stage a branch, write, commit with metadata, move the round's branch.

A stage first calls `adopt`, which finds a result that the lake already holds. If there is none, the
stage writes inside `round_commit`, which reads from top to bottom:

    with round_commit(ctx, "curate", key=key, start=verified.commit, message="…") as tx:
        tx.write(refs.part(dataset, "samples", number), samples)
        tx.manifest["counts"] = counts
    return tx.result

The write is atomic: all of it becomes visible or nothing (`pipelines.rounds.staging_branch`). The
commit states what it holds and what it was made from, and is signed
(`pipelines.rounds.attestation`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from lake.client import Lake
from lake.values import Commit
from pipelines.common import console
from pipelines.rounds import adoption, attestation, branches, history, manifest, parts, trust
from pipelines.rounds.context import RoundContext
from pipelines.rounds.keys import StageKey
from pipelines.rounds.parts import PartWriter
from pipelines.rounds.staging_branch import staging_branch


@dataclass(frozen=True, slots=True)
class StageResult:
    """A stage's result in the lake."""

    commit: Commit
    key: StageKey
    """The key under which the result was made."""
    manifest: Mapping[str, Any]
    """The round's manifest at that commit."""


@dataclass(slots=True)
class Transaction:
    """A stage's writes on its staging branch, and the commit that they become."""

    lake: Lake
    branch: str
    """The staging branch."""
    manifest: dict[str, Any]
    """The round's manifest; changes to it are written with the commit."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Entries of the commit's metadata besides those that every stage writes."""
    _result: StageResult | None = None

    def write(self, path: str, frame: pl.DataFrame) -> None:
        """Stage a table as Parquet."""
        self.lake.write(self.branch, path, frame)

    @contextmanager
    def parts(
        self, dataset: str, table: str, number: int, max_rows: int | None = None
    ) -> Iterator[PartWriter]:
        """Stage a table of a round as Parquet parts of bounded size, frame by frame.

        Args:
            dataset: the data set.
            table: such as samples.
            number: the round.
            max_rows: most rows of a part; None: `parts.PART_ROWS`.
        """
        bound = parts.PART_ROWS if max_rows is None else max_rows
        writer = PartWriter(self.write, dataset, table, number, bound)
        yield writer
        writer.close()

    def write_bytes(self, path: str, data: bytes, content_type: str) -> None:
        """Stage a file."""
        self.lake.write_bytes(self.branch, path, data, content_type)

    def delete(self, paths: Iterable[str]) -> None:
        """Stage the removal of objects."""
        self.lake.delete(self.branch, paths)

    def add_cost(self, **cost: Any) -> None:  # noqa: ANN401  JSON
        """Add the cost of stages to the manifest, by stage."""
        self.manifest["cost"] = {**self.manifest.get("cost", {}), **cost}

    @property
    def result(self) -> StageResult:
        """The committed result.

        Raises:
            RuntimeError: the `with` block has not ended, or it raised.
        """
        if self._result is None:
            raise RuntimeError("nothing is committed before the block has ended")
        return self._result


@contextmanager
def round_commit(
    ctx: RoundContext, stage: str, *, key: StageKey, start: str, message: str
) -> Iterator[Transaction]:
    """Write on a staging branch, commit once, and make the commit the head of the round's branch.

    Args:
        ctx: the round.
        stage: the stage's name, for the metadata.
        key: the stage's key.
        start: the commit at which the staging branch starts.
        message: the commit message.

    Raises:
        SigningError: there is no key to sign with.
    """
    round_, lake = ctx.round, ctx.lake
    trust.signer(lake)  # without a key, all that follows would be lost
    with staging_branch(lake, round_.branch, start) as branch:
        content = manifest.read_if_there(lake, branch, round_.dataset, round_.number)
        tx = Transaction(lake, branch, content)
        yield tx
        manifest.write(lake, branch, round_.dataset, round_.number, tx.manifest)
        metadata = branches.metadata(round_, stage, key).to_metadata() | tx.metadata
        metadata |= attestation.contents(lake, branch, start, round_.dataset, round_.number)
        commit = lake.commit(branch, message, attestation.seal(lake, metadata))
        lake.set_branch(round_.branch, commit.id)
        tx._result = StageResult(commit, key, tx.manifest)  # noqa: SLF001  set once, here


def adopt(ctx: RoundContext, stage: str, key: StageKey, *, supersede: bool) -> StageResult | None:
    """Find a stage's result in the lake and rebase it if needed; None if there is none.

    Args:
        ctx: the round.
        stage: the stage's name.
        key: the stage's current key.
        supersede: as in `branches.origin`.

    Returns:
        The result, with the key under which it was made. That is an earlier key if main holds the
        round in other versions.

    Raises:
        StaleError: the commit must be rebased onto a new main, which is not possible.
    """
    stored = adoption.find(ctx, stage, key)
    if stored is None:
        return None
    if history.is_published(ctx.lake, ctx.round, stored.commit):
        commit, note = stored.commit, f", which main holds{adoption.outdated(stored.key, key)}"
    else:
        commit, note = branches.rebase_onto_main(ctx, stored.commit, supersede=supersede), ""
    console.line(f"{stage}: adopted {commit.id[:12]}{note}")
    content = manifest.read(ctx.lake, commit.id, ctx.round.dataset, ctx.round.number)
    return StageResult(commit, stored.key, content)
