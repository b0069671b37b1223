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
from lake.values import Commit
from pipelines.common.errors import DataError, ReviewError
from pipelines.common.settings import StrictModel, strictly
from pipelines.params import Round
from pipelines.reviewing.record import LONGEST, LONGEST_NAME, Line, plain_text
from pipelines.rounds import record_branch
from pipelines.rounds.record_branch import Kept, RecordBranch


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
    path = f"{comment.branch}/comments/{hashlib.sha256(data).hexdigest()[:16]}.json"
    return record_branch.keep(lake, BRANCH, path, data, f"Comment on {round_.key}")


def of_branch(lake: Lake, branch: str) -> list[KeptComment]:
    """The comments about the round of a branch, the oldest first; unsigned ones are left out."""
    return [
        KeptComment(kept.record, kept.committer)
        for kept in record_branch.read(lake, BRANCH, under=f"{branch}/")
        if isinstance(kept, Kept) and kept.record.branch == branch
    ]


def _parse(data: bytes, path: str) -> Comment:
    try:
        return strictly(Comment, documents.parse_json(data))
    except (DocumentError, ValidationError) as error:
        raise DataError(f"{path} on {refs.SAMPLE_REVIEWS} is no comment") from error


BRANCH: Final = RecordBranch(
    refs.SAMPLE_REVIEWS,
    "stemma.comment.record",
    "stemma.comment.path",
    max_bytes=1 << 16,
    parse=_parse,
)
