"""`stemma round add`: append the next round of a data set to params.yaml, comments kept."""

from __future__ import annotations

from pathlib import Path

from pipelines import receipts
from pipelines.params import FILE, load
from review.errors import UsageError
from review.output import console, print_json

STAGES = ("fit", "generate", "verify", "curate", "evaluate", "publish")


def run(*, dataset: str, as_json: bool) -> None:
    """Append a round and say what to do next."""
    key = add(Path(FILE), dataset)
    if as_json:
        print_json({"round": key, "file": FILE})
    else:
        console().print(f"added {key} to {FILE}; `dvc repro` runs it alone")


def add(path: Path, dataset: str) -> str:
    """Append the round after the last one of a data set; return its key.

    Raises:
        UsageError: there is no such data set.
        ParamsError: the file is wrong already.
    """
    params = load(path)
    if dataset not in params.datasets:
        known = ", ".join(params.datasets)
        raise UsageError(f"there is no data set {dataset!r} in {path}; known: {known}")
    entries = [entry for entry in params.rounds.values() if entry.dataset == dataset]
    last = max(entries, key=lambda entry: entry.round, default=None)
    number = last.round + 1 if last else 1
    entry: dict[str, object] = {
        "dataset": dataset,
        "round": number,
        "previous": last.round if last else 0,
        "generator": last.generator if last else "diffusion",
    }
    key = f"{dataset}-{number}"
    _append(path, key, entry | {stage: {} for stage in STAGES})
    load(path)
    return key


def _append(path: Path, key: str, entry: dict[str, object]) -> None:
    from ruamel.yaml import YAML  # noqa: PLC0415  only this command writes YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    content = yaml.load(path.read_text(encoding="utf-8"))
    if content.get("rounds") is None:
        content["rounds"] = {}
    content["rounds"][key] = entry
    draft = path.with_suffix(".yaml.new")
    with draft.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)
    receipts.write_text(path, draft.read_text(encoding="utf-8"))
    draft.unlink()
