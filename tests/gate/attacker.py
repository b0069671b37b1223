"""What somebody with write and merge rights, and without a trusted key, can do to a lake."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake import refs
from lake.client import Lake
from lake.errors import ConflictError
from lake.home import LakeHome
from lake.values import Commit
from pipelines.common import signing
from pipelines.rounds import attestation, manifest, tables

BRANCH = "attack"
"""A branch on which attacks are prepared."""

Change = Callable[[Lake, str], object]
"""Changes objects of a branch."""


def commit(lake: Lake, at: str, change: Change, about: Mapping[str, str]) -> Commit:
    """Commit a change on top of a commit."""
    lake.set_branch(BRANCH, lake.resolve(at).id)
    change(lake, BRANCH)
    made = lake.commit(BRANCH, "by hand", about)
    lake.delete_branch(BRANCH)
    return made


def on_branch(
    lake: Lake, branch: str, at: str, change: Change, about: Mapping[str, str] | None = None
) -> Commit:
    """Commit a change on top of a commit with metadata of that commit, and move a branch there."""
    entries = lake.resolve(at).metadata if about is None else about
    made = commit(lake, at, change, entries)
    lake.set_branch(branch, made.id)
    return made


def on_main(lake: Lake, change: Change, about: Mapping[str, str] | None = None) -> Commit:
    """Commit a change on main itself."""
    change(lake, refs.MAIN)
    return lake.commit(refs.MAIN, "by hand", about or {})


def merged(lake: Lake, source: str, about: Mapping[str, str]) -> Commit:
    """Merge a commit into main by hand."""
    return lake.merge(source, refs.MAIN, "by hand", about)


def nothing(_: Lake, branch: str) -> None:
    """Change nothing."""
    del branch


def more(lake: Lake, branch: str) -> None:
    """Add a file that no stage writes."""
    lake.write_bytes(branch, "tiny/more", b"x")


def table(name: str, number: int, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Change:
    """Change a table of a round of `tiny`."""

    def apply(lake: Lake, branch: str) -> None:
        frame = tables.read_round(lake, branch, "tiny", name, number).sort("row")
        lake.delete(
            branch,
            [item.path for item in lake.objects(branch, refs.partition("tiny", name, number))],
        )
        lake.write(branch, refs.part("tiny", name, number), change(frame))

    return apply


def figures(number: int, change: Callable[[dict[str, Any]], object]) -> Change:
    """Change the manifest of a round of `tiny`."""

    def apply(lake: Lake, branch: str) -> None:
        content = manifest.read(lake, branch, "tiny", number)
        change(content)
        manifest.write(lake, branch, "tiny", number, content)

    return apply


def both(*changes: Change) -> Change:
    """Several changes, one after the other."""

    def apply(lake: Lake, branch: str) -> None:
        for change in changes:
            change(lake, branch)

    return apply


def few_images(frame: pl.DataFrame) -> pl.DataFrame:
    """All images replaced by the first ten."""
    return frame.with_columns(frame["image"].gather([row % 10 for row in range(len(frame))]))


def flipped(frame: pl.DataFrame) -> pl.DataFrame:
    """All labels turned."""
    return frame.with_columns((1 - pl.col("label")).alias("label"))


def stated(lake: Lake, ref: str, number: int, about: Mapping[str, str]) -> dict[str, str]:
    """Metadata that states what a ref holds; anybody can compute it."""
    (start,) = lake.resolve(ref).parents[:1]
    return {**about, **attestation.contents(lake, ref, start, "tiny", number)}


def signed(lake: Lake, entries: Mapping[str, str], key: Path) -> dict[str, str]:
    """Metadata signed with a key of the attacker's own."""
    signer = signing.signer({signing.KEY: str(key)})
    signature = signer.sign(attestation.statement(lake, entries))
    return {**entries, attestation.SIGNATURE: signature, attestation.SIGNER: signer.name}


def hard_reset(lake: Lake, branch: str, commit_id: str) -> None:
    """Move a branch to another commit; what is not committed on it is dropped."""
    sdk, reset = lake.connection.sdk, lake.connection.models.ResetCreation(type="reset")
    lake.connection.call(sdk.branches_api.reset_branch, lake.repository, branch, reset)
    api = sdk.experimental_api
    lake.connection.call(api.hard_reset_branch, lake.repository, branch, commit_id)


def hide_tag(lake: Lake, tag: str, commit_id: str) -> None:
    """Give a branch the name of a tag.

    Lakes of earlier releases let everybody do that; now only who may write to the catalogue can.
    """
    with pytest.raises(ConflictError, match="not unique"):
        lake.set_branch(tag, commit_id)
    home = lake.connection.home
    assert home is not None
    with closing(sqlite3.connect(LakeHome(home).catalog)) as catalog, catalog:
        catalog.execute("INSERT INTO branches VALUES (?, ?, ?)", (lake.repository, tag, commit_id))


def delete_tag(lake: Lake, name: str) -> None:
    """Delete a tag."""
    lake.connection.call(lake.connection.sdk.tags_api.delete_tag, lake.repository, name)
