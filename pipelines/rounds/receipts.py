"""Receipts: small files by which DVC detects that the data of a stage changed.

A stage writes `rounds/<dataset>/<n>/<stage>.json` and the next stage depends on it. A receipt holds
only facts that equal inputs reproduce (repository, commit, input key, row counts); values that vary
from run to run, such as seconds, go into files on which nothing depends.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from lake import documents, files, refs
from lake.documents import DocumentError
from pipelines.common.errors import StaleError
from pipelines.common.settings import StrictModel, strictly
from pipelines.rounds.keys import StageKey

ROOT: Final = Path("rounds")
INPUTS: Final = "inputs"
"""Name of the folder for the receipts of stage inputs, in the folder of a data set."""


class Receipt(StrictModel):
    """The receipt of a stage: where its result is, and its key."""

    stage: str
    dataset: str
    round: int
    line: str
    repository: str
    branch: str
    commit: str
    input_key: str
    tag: str | None = None
    recipe: str | None = None
    """The part of the key without versions; None in receipts of releases before 0.2."""
    versions: Mapping[str, str] = {}
    """Versions of the stage and its plug-ins that made the result, by name."""
    data_key: str | None = None
    """In a publish receipt: key of the published data, whatever limits judged it."""
    data_recipe: str | None = None
    """In a publish receipt: recipe of the published data."""
    main: str | None = None
    """In a publish receipt on another line: the commit by which main held the round."""
    files: Mapping[str, str] | None = None
    """In the publish receipt of round 0: SHA-256 of the source's files, by path; None in receipts
    of releases before 0.3."""
    rows: Mapping[str, int] = {}

    @property
    def key(self) -> StageKey:
        """Key of the stage's result.

        Raises:
            StaleError: the release before wrote the receipt.
        """
        return self._key(self.input_key, self.recipe, self.versions)

    @property
    def data(self) -> StageKey:
        """Key of the published data, in a publish receipt.

        Raises:
            StaleError: the release before wrote the receipt.
        """
        return self._key(self.data_key or "", self.data_recipe)

    def _key(
        self, key: str, recipe: str | None, versions: Mapping[str, str] | None = None
    ) -> StageKey:
        if recipe is None:
            receipt_path = path(self.dataset, self.round, self.stage)
            raise StaleError(
                f"{receipt_path} was written by the release before; `dvc repro` brings it up to "
                "date"
            )
        return StageKey(key, recipe, versions or {})


def path(dataset: str, number: int, stage: str) -> Path:
    """Path of a stage's receipt: `rounds/digits/3/verify.json`."""
    return ROOT / dataset / str(number) / f"{stage}.json"


def inputs_path(dataset: str, number: int, stage: str) -> Path:
    """Path of the receipt of a stage's inputs: `rounds/digits/inputs/3/verify.json`."""
    return ROOT / dataset / INPUTS / str(number) / f"{stage}.json"


def read(dataset: str, number: int, stage: str) -> Receipt:
    """Read a receipt.

    Raises:
        StaleError: the receipt is missing, damaged, or that of another stage; the message names the
            stage that writes it.
    """
    receipt_path = path(dataset, number, stage)
    try:
        receipt = strictly(Receipt, documents.read_json(receipt_path))
    except FileNotFoundError as error:
        raise StaleError(
            f"{receipt_path} is missing; `dvc repro` runs the stage {stage} first"
        ) from error
    except (DocumentError, ValidationError) as error:
        reason = f" ({receipt_path.name} {error})" if isinstance(error, DocumentError) else ""
        raise StaleError(
            f"{receipt_path} is not a receipt{reason}; remove it and run `dvc repro`"
        ) from error
    if (receipt.dataset, receipt.round, receipt.stage) != (dataset, number, stage):
        raise StaleError(
            f"{receipt_path} is the receipt of {receipt.stage} of round {receipt.round} of "
            f"{receipt.dataset}; restore it (git restore rounds dvc.lock) or remove it, and run "
            "`dvc repro`"
        )
    return receipt


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON file beside the receipts.

    Raises:
        StaleError: the file is missing or damaged.
    """
    try:
        content = documents.read_json(file, strict=False)
    except (FileNotFoundError, DocumentError) as error:
        problem = "is missing" if isinstance(error, FileNotFoundError) else error
        raise StaleError(f"{file} {problem}; remove it and run `dvc repro`") from error
    if not isinstance(content, dict):
        raise StaleError(f"{file} is no JSON object; remove it and run `dvc repro`")
    return content


def number_of(file: Path) -> int | None:
    """The number of the round in whose folder a file is; None if the folder is not a round's."""
    return refs.number(file.parent.name)


def known_commits(dataset: str) -> dict[int, str | None]:
    """The commits on main that this checkout's publish receipts name, by round."""
    commits = {}
    for file in sorted((ROOT / dataset).glob("*/publish.json")):
        number = number_of(file)
        if number is not None:
            receipt = read(dataset, number, "publish")
            commits[receipt.round] = receipt.commit if receipt.line == refs.MAIN else receipt.main
    return commits


def named_commits(root: Path = ROOT) -> set[str]:
    """The commits of the lake that the receipts of this checkout name, of whichever stage."""
    commits: set[str] = set()
    for file in root.glob("*/*/*.json"):
        try:
            content = documents.read_object(file)
        except (FileNotFoundError, DocumentError):
            continue  # `dvc repro` will refuse it
        commits |= {str(content[name]) for name in ("commit", "main") if content.get(name)}
    return commits


def write(receipt: Receipt) -> None:
    """Write a receipt atomically, so that a killed stage leaves either none or a complete one."""
    files.write_json(
        path(receipt.dataset, receipt.round, receipt.stage),
        receipt.model_dump(exclude_none=True),
    )
