"""Receipts: the small files by which DVC sees that data moved.

A stage writes `rounds/<dataset>/<n>/<stage>.json` and the next stage depends on it. A receipt
holds only facts that equal inputs reproduce (repository, commit, input key, row counts); what
varies from run to run, seconds for one, goes into files that nothing depends on.
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
"""Folder of the receipts of what stages read, in the folder of a data set."""


class Receipt(StrictModel):
    """What a stage did: where its result is, and of which inputs."""

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
    """The key but for versions; None: the release before wrote the receipt."""
    versions: Mapping[str, str] = {}
    """Versions of the stage and of its plug-ins that made the result."""
    data_key: str | None = None
    """Of a publish receipt: key of the data that it published, whatever limits judged it."""
    data_recipe: str | None = None
    """Of a publish receipt: the same but for versions."""
    main: str | None = None
    """Of a publish receipt on another line: what main held of the round."""
    rows: Mapping[str, int] = {}

    @property
    def key(self) -> StageKey:
        """Key of what the stage made.

        Raises:
            StaleError: the release before wrote the receipt.
        """
        return self._key(self.input_key, self.recipe, self.versions)

    @property
    def data(self) -> StageKey:
        """Of a publish receipt: key of the data that it published.

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
    """Where a receipt stands: `rounds/digits/3/verify.json`."""
    return ROOT / dataset / str(number) / f"{stage}.json"


def inputs_path(dataset: str, number: int, stage: str) -> Path:
    """Where the receipt of what a stage reads stands: `rounds/digits/inputs/3/verify.json`."""
    return ROOT / dataset / INPUTS / str(number) / f"{stage}.json"


def read(dataset: str, number: int, stage: str) -> Receipt:
    """Read a receipt.

    Raises:
        StaleError: it is missing or damaged; the message says which stage writes it.
    """
    receipt_path = path(dataset, number, stage)
    try:
        return strictly(Receipt, documents.read_json(receipt_path))
    except FileNotFoundError as error:
        raise StaleError(
            f"{receipt_path} is missing; `dvc repro` runs the stage {stage} first"
        ) from error
    except (DocumentError, ValidationError) as error:
        reason = f" ({receipt_path.name} {error})" if isinstance(error, DocumentError) else ""
        raise StaleError(
            f"{receipt_path} is not a receipt{reason}; remove it and run `dvc repro`"
        ) from error


def read_json(file: Path) -> dict[str, Any]:
    """Read a file that stands beside the receipts.

    Raises:
        StaleError: it is missing or damaged.
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
    """The round whose folder a file stands in; None: the folder is no round's."""
    return refs.number(file.parent.name)


def known_commits(dataset: str) -> dict[int, str | None]:
    """The commits on main that this checkout's publish receipts know, by round."""
    commits = {}
    for file in sorted((ROOT / dataset).glob("*/publish.json")):
        number = number_of(file)
        if number is not None:
            receipt = read(dataset, number, "publish")
            commits[receipt.round] = receipt.commit if receipt.line == refs.MAIN else receipt.main
    return commits


def write(receipt: Receipt) -> None:
    """Write a receipt in one step, so that a killed stage leaves none or a whole one."""
    files.write_json(
        path(receipt.dataset, receipt.round, receipt.stage),
        receipt.model_dump(exclude_none=True),
    )
