"""Stage `inputs`: receipts for DVC about the user's files and the versions of stages and plug-ins.

The stage runs on every `dvc repro`, once for each data set, and also makes the cheap checks of the
source, the suite, prompts and plug-ins. DVC's `deps` take neither lists from params.yaml, nor
patterns, nor remote addresses, so each stage of each round depends on a separate receipt,
`rounds/<dataset>/inputs/<round>/<stage>.json`, which changes when one of its inputs changes.
"""

from __future__ import annotations

from pathlib import Path

from lake import files
from pipelines.common.errors import DataError
from pipelines.params import Dataset, Params, load, resolve
from pipelines.reviewing import noted as noted_reviews
from pipelines.rounds import receipts, stage_inputs
from pipelines.rounds.arrivals import source_states
from pipelines.rounds.context import open_lake
from pipelines.rounds.stage_inputs import StageInputs
from pipelines.scorers import registry as scorers
from pipelines.sources import folders
from pipelines.takedown import noted


def run(dataset: str) -> None:
    """Write the receipts of a data set and remove those of rounds that no longer exist."""
    params = load()
    if dataset not in params.datasets:
        raise DataError(f"there is no data set {dataset!r} in params.yaml")
    settings = params.datasets[dataset]
    noted.ANSWER.refresh(params, lambda: open_lake(params))
    noted_reviews.ANSWER.refresh(params, lambda: open_lake(params))
    source_states.check(params, dataset)
    folders.check(settings.ingest.source)
    _check_columns(settings)
    inputs_by_path = {receipts.inputs_path(dataset, 0, "ingest"): stage_inputs.of_ingest(settings)}
    inputs_by_path |= _of_rounds(params, dataset)
    for path, inputs in inputs_by_path.items():
        files.write_json(path, inputs.to_dict())
    root = receipts.ROOT / dataset / receipts.INPUTS
    for path in set(root.rglob("*.json")) - set(inputs_by_path):
        path.unlink()


def _check_columns(settings: Dataset) -> None:
    """Refuse columns of the user's that cannot stand beside ours, before anything is read.

    Raises:
        DataError: a column has a reserved name, or that of one which a scorer adds.
    """
    columns = settings.columns
    columns.check(settings.modality.derived)
    for name in settings.verify.scorers:
        added = scorers.load(name).columns
        same = next((each for each in (*columns.identity, *columns.kept) if each in added), None)
        if same is not None:
            raise DataError(
                f"column {same!r} of the source is called like one that the scorer {name} adds, so "
                "suites could not tell them apart; rename it in the source"
            )


def _of_rounds(params: Params, dataset: str) -> dict[Path, StageInputs]:
    """The inputs of all stages of a data set's rounds, by path of the receipt."""
    keys = [key for key, entry in params.rounds.items() if entry.dataset == dataset]
    rounds = [resolve(params, key) for key in keys]
    return {
        receipts.inputs_path(dataset, round_.number, stage): stage_inputs.of_stage(round_, stage)
        for round_ in rounds
        for stage in stage_inputs.OF_A_ROUND
    }
