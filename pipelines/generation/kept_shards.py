"""Shards that are made and not committed yet, as folders of a project's private cache.

`.stemma/shards/<key of the stage>/<shard>/` holds the candidates of a shard, their parents and
`shard.json`, which names the shard, the generator and the SHA-256 of each file. A folder appears in
one step and is never changed, so a stage that is killed goes on with what it finds, and several
runs may write beside each other. What was altered, or is of another generator, is made again.
"""

from __future__ import annotations

import errno
import hashlib
import io
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from lake import documents, files, private, tables
from lineage.schema import UNREADABLE
from pipelines.common import console, digests
from pipelines.common.shards import Shard
from pipelines.generators.making import MadeShard
from pipelines.params import Round
from pipelines.rounds import model_store
from pipelines.rounds.keys import StageKey

ROOT: Final = Path(".stemma/shards")
ABOUT: Final = "shard.json"
ROUND: Final = "round.json"
"""Says which round the shards beside it are of."""
CANDIDATES: Final = "candidates.parquet"
PARENTS: Final = "parents.parquet"
FORMAT: Final = 1
THERE: Final = (errno.EEXIST, errno.ENOTEMPTY)
ANOTHER: Final = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EINVAL, errno.EFBIG)
"""Of errors of reading: something else lies in the place of a kept file. After any other, such as
one of the disk or of permissions, the shard may well be whole, and is not touched."""


def round_of(folder: Path) -> tuple[str, int] | None:
    """The data set and number of the round that a folder of kept shards is of; None: nobody knows.

    Args:
        folder: below `ROOT`.
    """
    try:
        named = documents.read_object(folder / ROUND)
        return str(named["dataset"]), int(named["round"])
    except (OSError, ValueError, TypeError, LookupError):
        return None


@dataclass(frozen=True, slots=True)
class KeptShards:
    """The kept shards of a stage's key."""

    folder: Path
    generator: str
    """Digest of the manifest of the generator that makes them."""
    round: Mapping[str, Any]
    """Data set and number of the round."""

    @classmethod
    def of(cls, round_: Round, key: StageKey) -> KeptShards:
        """Kept shards of a round's stage `generate`, below the current directory."""
        _, generator = model_store.generator_manifest(round_.dataset, round_.number)
        named = {"dataset": round_.dataset, "round": round_.number}
        return cls(ROOT / key.key, generator, named)

    def path(self, shard: Shard) -> Path:
        """Folder of a shard."""
        return self.folder / f"{shard.index:06d}"

    def write(self, shard: Shard, made: MadeShard) -> None:
        """Keep a shard; one that is kept already stays."""
        self.put(shard, self.encoded(shard, made))

    def encoded(self, shard: Shard, made: MadeShard) -> dict[str, bytes]:
        """The files of a shard, by name."""
        frames = {CANDIDATES: made.candidates, PARENTS: made.parents}
        content = {
            name: tables.encode(frame) for name, frame in frames.items() if frame is not None
        }
        sums = {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in content.items()
        }
        about = {**self._about(shard), "facts": dict(made.facts), "files": sums}
        return {**content, ABOUT: digests.canonical(about)}

    def put(self, shard: Shard, content: Mapping[str, bytes]) -> None:
        """Keep the files of a shard in one step.

        Raises:
            OSError: they cannot be written.
        """
        self._begin()
        draft = self.folder / f".{shard.index:06d}.{secrets.token_hex(8)}"
        draft.mkdir(mode=private.FOLDER_MODE)
        try:
            for name, data in content.items():
                (draft / files.safe_name(name)).write_bytes(data)
            draft.rename(self.path(shard))
        except OSError as error:
            if error.errno not in THERE:
                raise
            if not self.holds(shard):  # it was changed, and is gone now
                draft.rename(self.path(shard))
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def holds(self, shard: Shard) -> bool:
        """Whether a shard is kept, and none of its bytes was changed."""
        return self._checked(shard) is not None

    def lies(self, shard: Shard) -> bool:
        """Whether a shard of this generator is kept, without a look at its rows.

        Whoever reads it compares its bytes with their digests; for a count that costs too much.
        """
        try:
            self._said(shard)
        except (OSError, ValueError, TypeError, LookupError):
            return False
        return True

    def read(self, shard: Shard) -> MadeShard | None:
        """Read a shard; None where it is not kept, or was changed."""
        checked = self._checked(shard)
        if checked is None:
            return None
        facts, content = checked
        try:
            frames = {name: pl.read_parquet(io.BytesIO(data)) for name, data in content.items()}
        except UNREADABLE:  # another release of Polars wrote it
            self._drop(shard)
            return None
        return MadeShard(frames.get(CANDIDATES), frames.get(PARENTS), facts)

    def remove(self) -> None:
        """Forget all shards of this key."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _begin(self) -> None:
        private.folder(self.folder)
        if not (self.folder / ROUND).is_file():
            files.write_json(self.folder / ROUND, dict(self.round))

    def _about(self, shard: Shard) -> dict[str, Any]:
        place = [shard.index, shard.start, shard.stop, shard.seed]
        return {"format": FORMAT, "shard": place, "generator": self.generator}

    def _checked(self, shard: Shard) -> tuple[dict[str, Any], dict[str, bytes]] | None:
        """Facts and files of a shard, if it is kept; one that was changed is removed.

        Raises:
            OSError: it is there, and cannot be read.
        """
        try:
            return self._contents(shard)
        except OSError as error:
            if error.errno not in ANOTHER:
                raise
            if not self.path(shard).exists():
                return None
        except (ValueError, TypeError, LookupError):
            pass
        self._drop(shard)
        return None

    def _contents(self, shard: Shard) -> tuple[dict[str, Any], dict[str, bytes]]:
        """As `_checked`.

        Raises:
            OSError: there is none, or it cannot be read.
            ValueError: it was changed, or is another one.
        """
        facts, sums = self._said(shard)
        return facts, {name: self._bytes(shard, name, sums[name]) for name in sums}

    def _said(self, shard: Shard) -> tuple[dict[str, Any], dict[str, Any]]:
        """Facts about a kept shard, and of each of its files the digest; raises as `_contents`."""
        said = files.read_bytes(self.path(shard) / ABOUT, follow=False)
        about = documents.parse_json(said, strict=False)
        known = self._about(shard)
        facts, sums = dict(about["facts"]), dict(about["files"])
        if {name: about.get(name) for name in known} != known:
            raise ValueError(known)
        if not set(sums) <= {CANDIDATES, PARENTS}:
            raise ValueError(sums)
        return facts, sums

    def _bytes(self, shard: Shard, name: str, known: Mapping[str, Any]) -> bytes:
        data = files.read_bytes(self.path(shard) / name, int(known["bytes"]), follow=False)
        if hashlib.sha256(data).hexdigest() != known["sha256"]:
            raise ValueError(known)
        return data

    def _drop(self, shard: Shard) -> None:
        console.line(
            f"generate: the kept shard {self.path(shard)} was changed, or is of another generator, "
            "and is made again"
        )
        shutil.rmtree(self.path(shard), ignore_errors=True)
