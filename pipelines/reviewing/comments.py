"""Comments of reviewers on a round or on one of its samples: kept in the lake, never applied.

They lie beside the decisions on samples, on the branch `stemma-reviews`, under metadata entries of
their own: neither the digest of the decisions on a round, nor anything that is made of them, moves
because of a comment.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from lake import documents, refs
from lake.client import Lake
from lake.documents import DocumentError
from lake.errors import NotFoundError, TooLargeError
from lake.values import Commit
from pipelines.common.errors import DataError, ReviewError
from pipelines.common.settings import StrictModel, strictly
from pipelines.params import Round
from pipelines.reviewing import store
from pipelines.reviewing.record import LONGEST, LONGEST_NAME, Line, plain_text
from pipelines.rounds import attestation, trust

RECORD: Final = "stemma.comment.record"
"""Metadata entry of a merge: SHA-256 of the comment that it brings."""
PATH: Final = "stemma.comment.path"
MAX_BYTES: Final = 1 << 16


class Comment(StrictModel):
    """What a reviewer says about a round or a sample."""

    version: Literal["stemma-comment/1"] = "stemma-comment/1"
    dataset: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    round: int = Field(ge=1)
    line: str = Field(pattern=r"^\w[-\w]*$")
    row: int | None = Field(None, ge=0)
    """Row of the sample; None: it is about the round."""
    sample_id: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    text: Annotated[str, AfterValidator(plain_text)] = Field(max_length=LONGEST)
    reviewer: Line | None = Field(None, max_length=LONGEST_NAME)
    created: int
    """Unix seconds."""
    seen: str
    """Id of the commit that the reviewer looked at."""

    @model_validator(mode="after")
    def _is_of_one(self) -> Self:
        if (self.row is None) != (self.sample_id is None):
            raise ValueError("a sample is named by its row and its id, or not at all")
        return self

    @property
    def branch(self) -> str:
        """Branch of the round that it is about."""
        return refs.branch_name(self.dataset, self.round, self.line)


@dataclass(frozen=True, slots=True)
class KeptComment:
    """A comment, and who merged it, as the lake names them."""

    comment: Comment
    committer: str

    @property
    def reviewer(self) -> str:
        """Who says it."""
        return self.comment.reviewer or self.committer


def say(
    lake: Lake,
    round_: Round,
    seen: str,
    text: str,
    *,
    sample: tuple[int, bytes] | None = None,
    reviewer: str | None = None,
) -> Commit:
    """Keep a comment.

    Args:
        lake: the lake.
        round_: the round.
        seen: the commit that the reviewer looked at.
        text: the comment.
        sample: row and id of the sample that it is about; None: the round.
        reviewer: name of the reviewer; None: the user of the lake.

    Raises:
        ReviewError: the text is empty, too long, or holds what does not print.
        SigningError: there is no key to sign with.
    """
    if not text.strip():
        raise ReviewError("a comment needs a text")
    content = {
        "dataset": round_.dataset,
        "round": round_.number,
        "line": round_.line,
        "row": None if sample is None else sample[0],
        "sample_id": None if sample is None else sample[1].hex(),
        "text": text.strip(),
        "reviewer": reviewer,
        "created": int(time.time()),
        "seen": seen,
    }
    try:
        comment = strictly(Comment, content)
    except ValidationError as error:
        why = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ReviewError(f"the comment cannot be kept: {why}") from error
    data = comment.model_dump_json(indent=1).encode() + b"\n"
    digest = hashlib.sha256(data).hexdigest()
    path = f"{comment.branch}/comments/{digest[:16]}.json"
    return store.add(lake, path, data, {RECORD: digest, PATH: path}, f"Comment on {round_.key}")


def of_branch(lake: Lake, branch: str) -> list[KeptComment]:
    """The comments about the round of a branch, the oldest first; unsigned ones are left out."""
    head = lake.head(refs.SAMPLE_REVIEWS)
    if head is None:
        return []
    trusted = trust.load(lake)
    found = []
    for commit in lake.log(head, first_parent=True):
        path = commit.metadata.get(PATH, "")
        if RECORD not in commit.metadata or not path.startswith(f"{branch}/"):
            continue
        if trusted is None or attestation.signer_of(lake, commit.metadata, trusted):
            comment = _read(lake, commit, path)
            if comment is not None and comment.branch == branch:
                found.append(KeptComment(comment, commit.committer))
    return found[::-1]


def _read(lake: Lake, commit: Commit, path: str) -> Comment | None:
    """The comment that a merge brought; None where it is not the one that the merge names."""
    try:
        data = lake.read(commit.id, path, MAX_BYTES)
        if hashlib.sha256(data).hexdigest() != commit.metadata[RECORD]:
            return None
        return strictly(Comment, documents.parse_json(data))
    except (DocumentError, ValidationError, DataError, NotFoundError, TooLargeError):
        return None
