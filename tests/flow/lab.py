"""A lake with three published rounds, and histories that are put together from its commits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lakefs_sdk
import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from lake.client import Lake
from lake.values import Commit
from lineage import guard
from lineage.guard import GuardResult
from pipelines.common import signing
from pipelines.common.signing import PUBLIC_KEYS, Trusted
from pipelines.gate import guard_record, history_audit
from pipelines.gate.history_audit import Step
from pipelines.rounds import attestation, manifest, merging, tables
from pipelines.rounds.metadata import KEY
from pipelines.rounds.trust import Trust
from tests.flow.projects import Project

MORE = "tiny/samples/round=003/part-00001.parquet"


@dataclass(frozen=True, slots=True)
class Lab:
    """A project with three published rounds, and what its histories are made of."""

    project: Project
    lake: Lake
    start: str
    """Main before round 3."""
    merge: Commit
    """The signed merge of round 3."""
    blocked: str
    """Round 3 as the guard blocked it, on its branch."""

    @property
    def source(self) -> str:
        return self.merge.parents[1]

    @property
    def result(self) -> GuardResult:
        return guard.read(manifest.read(self.lake, self.source, "tiny", 3)["guard"])

    def branch(self, name: str, at: str) -> str:
        self.lake.set_branch(name, at)
        return name

    def merged(self, name: str, source: str, about: Mapping[str, str], at: str = "") -> str:
        """A branch on which a source is merged."""
        self.branch(name, at or self.start)
        self.lake.merge(source, name, "Publish tiny-3: guard pass", about)
        return name

    def committed(self, name: str, at: str, change: Callable[[str], object], **about: str) -> str:
        """A branch with one more commit; its id."""
        self.branch(name, at)
        change(name)
        return self.lake.commit(name, "one more", about).id

    def rejudged(
        self, name: str, at: str, key: Path | None = None, **changes: Any
    ) -> tuple[str, dict[str, str]]:
        """An answer about another commit, consistent in itself.

        Args:
            name: the branch.
            at: the commit that it is about.
            key: the private key of the one who gives it; None: nobody signs.
            changes: what is different in it.

        Returns:
            The commit with the answer, and the metadata of a merge of it.
        """
        lake, start = self.lake, self.lake.resolve(at).id
        result = replace(self.result, judged=start, **changes)
        self.branch(name, start)
        manifest.extend(lake, name, "tiny", 3, guard=result.to_dict())
        merging.write_head(lake, name, "tiny", 3, self.merge.metadata[KEY])
        about = dict(lake.resolve(self.source).metadata) | {guard_record.JUDGED: start}
        about |= attestation.contents(lake, name, start, "tiny", 3)
        about = sealed(lake, about, key) if key else about
        commit = lake.commit(name, "one more answer", about).id
        merged = {
            **self.merge.metadata,
            **guard_record.guard_metadata(result),
            attestation.CONTENT: attestation.content(lake, commit, "tiny", 3),
            guard_record.HEAD: merging.head_checksum(lake, commit, "tiny"),
        }
        return commit, sealed(lake, merged, key) if key else merged

    def found(self, ref: str, trusted: Trust | None = None) -> list[Step]:
        """The findings in a history, newest first."""
        log = list(self.lake.log(ref, first_parent=True))[::-1]
        return [step for step in history_audit.walk(self.lake, log, trusted) if step.wrong][::-1]

    def only(self, ref: str) -> Step:
        """The one finding, which is about the newest commit."""
        (step,) = self.found(ref)
        assert step.commit.id == self.lake.head(ref)
        assert step.changed > 0
        assert step.first
        return step


def sealed(lake: Lake, entries: Mapping[str, str], key: Path) -> dict[str, str]:
    """Metadata signed with a key, which the project need not trust."""
    signer = signing.signer({signing.KEY: str(key)})
    signature = signer.sign(attestation.statement(lake, entries))
    return {**entries, attestation.SIGNATURE: signature, attestation.SIGNER: signer.name}


def key_pair(place: Path) -> Path:
    """Write a key pair, `place` and beside it `.pub`."""
    key = Ed25519PrivateKey.generate()
    place.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    place.with_suffix(".pub").write_bytes(public)
    return place


def trust(lab: Lab, *keys: Path) -> Trust:
    """Trust in these keys and those of the stages, in a lake that is signed from the first commit.

    The key that signed the merge of round 3 is trusted only if it is among those given.
    """
    given = [key.with_suffix(".pub") for key in keys]
    of_stages = [
        path
        for path in sorted((lab.project.root / "trust").glob("*.pem"))
        if path.stem != lab.merge.metadata[attestation.SIGNER]
    ]
    paths = ":".join(str(path) for path in [*given, *of_stages])
    return Trust(Trusted(signing.named_keys({PUBLIC_KEYS: paths})), lab.lake)


def add_samples(lake: Lake) -> Callable[[str], None]:
    def change(branch: str) -> None:
        rows = tables.read_round(lake, branch, "tiny", "samples", 3).head(1)
        lake.write(branch, MORE, rows.with_columns(pl.lit(23, pl.Int64).alias("row")))

    return change


def revert(lab: Lab, branch: str, ref: str, parent: int = 0) -> None:
    wanted = lakefs_sdk.RevertCreation(ref=ref, parent_number=parent)
    lab.lake.connection.call(
        lab.lake.connection.sdk.branches_api.revert_branch, lab.lake.repository, branch, wanted
    )
