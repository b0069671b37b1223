"""Upload an exported folder to the Hub, or to a server that speaks its API (`HF_ENDPOINT`)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

from pipelines.common.errors import ParamsError, ServiceError
from pipelines.common.optional import library
from pipelines.inquiry.exports.hugging_face.folder import MARKER

NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
VARIABLE: Final = "HF_TOKEN"
ENDPOINT: Final = "HF_ENDPOINT"


def check(name: str) -> None:
    """Check, before anything is exported, that an upload can begin.

    Raises:
        ParamsError: the name is none, or there is no token.
        LibraryError: the library `huggingface_hub` is not installed.
    """
    if not NAME.fullmatch(name):
        raise ParamsError(f"{name!r} names no data set of the Hub; write OWNER/NAME")
    if not _library().get_token():
        raise ParamsError(
            f"there is no token of the Hub; set {VARIABLE}, or log in with `hf auth login`"
        )


def push(folder: Path, name: str, message: str, *, public: bool = False) -> str:
    """Upload a folder as one commit of a data set, which is made where it is missing.

    Args:
        folder: as `folder.write` leaves it.
        name: OWNER/NAME.
        message: of the commit.
        public: make it readable for everybody; otherwise it is private. One that is there and is
            not so is refused.

    Returns:
        The address of the commit.

    Raises:
        ServiceError: the service refuses or cannot be reached; no message holds the token.
    """
    hub = _library()
    client = hub.HfApi(endpoint=os.environ.get(ENDPOINT) or None)
    try:
        existing = _existing(hub, client, name, public=public)
        if existing is None:
            client.create_repo(name, repo_type="dataset", private=not public)
        commit = client.upload_folder(
            repo_id=name,
            repo_type="dataset",
            folder_path=folder,
            commit_message=message,
            ignore_patterns=[MARKER],
            delete_patterns=["data/*.parquet"],
        )
    except ServiceError:
        raise
    except Exception as error:  # noqa: BLE001  what speaks HTTP fails in any way
        reason = _without_token(str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise ServiceError(f"{name} cannot be pushed: {reason}") from None
    return str(commit.commit_url)


def _existing(hub: Any, client: Any, name: str, *, public: bool) -> Any:  # noqa: ANN401  the library's types
    """What the service says of a data set; None where there is none, or none for this token.

    Raises:
        ServiceError: everybody can read it, and that is not wanted; or nobody can, and it is.
    """
    try:
        existing = client.dataset_info(name)
    except hub.errors.RepositoryNotFoundError:
        return None
    if not existing.private and not public:
        raise ServiceError(f"everybody can read {name}; push to another name, or say --public")
    if existing.private and public:
        raise ServiceError(
            f"{name} is private, and with it all that it held before; push to another name, or "
            "make it public at the service first"
        )
    return existing


def _without_token(text: str) -> str:
    token = _library().get_token()
    return text.replace(token, "…") if token else text


def _library() -> Any:  # noqa: ANN401  an optional library
    return library("huggingface_hub", "uploads to the Hub", extra="hub")
