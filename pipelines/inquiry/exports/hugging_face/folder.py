"""Export a version as a folder of Hugging Face, which appears when it is complete.

Everything is written into a draft beside the folder. A killed export leaves the draft, under a name
that is no data set's, and never half a folder; the next export to the same place removes it.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lake import documents, files
from lake.client import Lake
from lake.documents import DocumentError
from lineage.splits import TRAIN
from pipelines.common.errors import ProjectError
from pipelines.common.optional import library
from pipelines.inquiry.exports.hugging_face import facts
from pipelines.inquiry.training.data import TrainingData

MARKER: Final = ".stemma-export.json"
"""Says which export wrote a folder, so that another may take its place."""
CARD: Final = "README.md"
DATA: Final = "data"


def write(lake: Lake, data: TrainingData, target: Path) -> dict[str, int]:
    """Export the splits of a version.

    Args:
        lake: the lake.
        data: the version, with the splits that are wanted.
        target: the folder: a new one, an empty one, or one that an export wrote before.

    Returns:
        Number of rows by split, of synthetic rows, of marked images and of files.

    Raises:
        LibraryError: the library `datasets` is not installed.
        ProjectError: the folder holds something else, or cannot be written.
        DataError: a column of the data set has the name of one of lineage.
    """
    library("datasets", "exports to Hugging Face", extra="hub")
    check_target(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_drafts(target)
        draft = target.with_name(f"{_prefix(target)}{os.getpid()}")
        (draft / DATA).mkdir(parents=True)
        try:
            summary = _fill(lake, data, draft)
            _replace(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise ProjectError(f"{target} cannot be written: {error.strerror or error}") from error
    return summary


def check_target(target: Path) -> None:
    """Refuse a place that holds something which no export wrote.

    Raises:
        ProjectError: it does.
    """
    if not target.exists() and not target.is_symlink():
        return
    if target.is_symlink() or not target.is_dir():
        raise ProjectError(f"{target} is no folder; name a folder with --output")
    if any(target.iterdir()) and not _is_ours(target):
        raise ProjectError(
            f"{target} is not empty, and no export wrote it; name another folder with --output, or "
            "remove it"
        )


def _fill(lake: Lake, data: TrainingData, draft: Path) -> dict[str, int]:
    # The library takes a second to import.
    from pipelines.inquiry.exports.hugging_face import card, rows  # noqa: PLC0415

    written = {split: rows.write(lake, data, split, draft / DATA) for split in data.splits}
    kinds = written[TRAIN].kinds if TRAIN in written else Counter()
    known = facts.collect(lake, data.ref, data.manifest, kinds)
    info = rows.dataset_info(written, draft / DATA)
    files.write_text(draft / CARD, card.render(known, written, info))
    about = {"form": "stemma-export/1", "dataset": data.dataset, "commit": data.commit}
    files.write_json(draft / MARKER, about)
    marked = Counter[str]()
    for each in written.values():
        marked.update(each.marked)
    return {
        **{f"{split}_rows": each.rows for split, each in written.items()},
        "synthetic_rows": known.synthetic,
        "marked_images": marked.total() - marked[rows.NOT_MARKED],
        **({"images_not_marked": marked[rows.NOT_MARKED]} if marked[rows.NOT_MARKED] else {}),
        "files": sum(len(each.files) for each in written.values()),
    }


def _replace(draft: Path, target: Path) -> None:
    """Put a complete folder in its place; the former one goes when the new one is there."""
    if not target.exists():
        draft.rename(target)
        return
    former = target.with_name(f"{_prefix(target)}{os.getpid()}.former")
    target.rename(former)
    draft.rename(target)
    shutil.rmtree(former, ignore_errors=True)


def _remove_drafts(target: Path) -> None:
    """Remove what killed exports to this place left; those that are at work stay."""
    prefix = _prefix(target)
    for path in target.parent.iterdir():
        owner = path.name.removeprefix(prefix).removesuffix(".former")
        if path.name.startswith(prefix) and owner.isdecimal() and not _is_alive(int(owner)):
            shutil.rmtree(path, ignore_errors=True)


def _prefix(target: Path) -> str:
    return f".{target.name}.stemma-draft-"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _is_ours(target: Path) -> bool:
    try:
        content: Any = documents.read_json(target / MARKER)
    except (OSError, DocumentError):
        return False
    return isinstance(content, Mapping) and content.get("form") == "stemma-export/1"
