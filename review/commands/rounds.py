"""`stemma round add`: append the next round of a data set to params.yaml, comments kept.

DVC wants to see every section that a stage names, so the sections that params.yaml leaves out are
written as empty ones, and the first round of a data set gets its plots in dvc.yaml.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from lake import documents, files
from lake.documents import DocumentError
from pipelines.params import FILE, Params, load
from review.cli.datasets import wanted_dataset
from review.cli.output import console, print_json, sentence
from review.errors import UsageError

STAGES: Final = ("fit", "generate", "verify", "curate", "evaluate", "publish")
PIPELINE: Final = "dvc.yaml"
GENERATORS: Final = {"image": "diffusion", "text": "text"}
"""What makes the first round of a data set, by modality."""


def run(*, dataset: str, as_json: bool) -> None:
    """Append a round and say what to do next."""
    key = add(Path(FILE), dataset)
    changed = [FILE, *([PIPELINE] if add_plots(Path(PIPELINE), dataset) else [])]
    if as_json:
        print_json({"round": key, "files": changed})
    else:
        said = f"added {key} to {' and '.join(changed)}; `dvc repro` runs it alone"
        console().print(sentence(said))


def add(path: Path, dataset: str) -> str:
    """Append the round after the last one of a data set; return its key.

    Raises:
        UsageError: there is no such data set.
        ParamsError: the file is wrong already.
    """
    params = load(path)
    wanted = wanted_dataset(params, dataset)
    entry = _next(params, wanted, GENERATORS[params.datasets[wanted].ingest.modality])
    key = f"{dataset}-{entry['round']}"

    def change(content: Any) -> None:  # noqa: ANN401  a YAML document
        for stage in STAGES:
            content["datasets"][dataset].setdefault(stage, {})
        if content.get("rounds") is None:
            content["rounds"] = {}
        content["rounds"][key] = entry | {stage: {} for stage in STAGES}

    _edit(path, change)
    load(path)
    return key


def add_plots(path: Path, dataset: str) -> bool:
    """Add the plots of another data set for this one, unless there are some; True if it did."""

    def mine(plot: Any) -> bool:  # noqa: ANN401  a YAML node
        (about,) = plot.values()
        return any(f"reports/{dataset}/" in str(name) for name in about["y"])

    added: list[bool] = []

    def change(content: Any) -> None:  # noqa: ANN401  a YAML document
        plots = content.get("plots") if isinstance(content, dict) else None
        plots = plots if isinstance(plots, list) else []
        known = [plot for plot in plots if _is_by_round(plot)]
        if not known or any(mine(plot) for plot in known):
            return
        other = next(iter(known[0])).partition(",")[0]
        for plot in [each for each in known if next(iter(each)).startswith(f"{other},")]:
            ((name, about),) = copy.deepcopy(dict(plot)).items()
            about["y"] = {
                str(place).replace(f"reports/{other}/", f"reports/{dataset}/"): columns
                for place, columns in about["y"].items()
            }
            plots.append({name.replace(other, dataset, 1): about})
        added.append(True)

    if path.is_file():
        _edit(path, change)
    return bool(added)


def _is_by_round(plot: object) -> bool:
    """Whether a plot has the form of ours: a name, and columns by file; DVC knows others too."""
    if not isinstance(plot, dict) or len(plot) != 1:
        return False
    ((name, about),) = plot.items()
    return isinstance(name, str) and isinstance(about, dict) and isinstance(about.get("y"), dict)


def _next(params: Params, dataset: str, generator: str) -> dict[str, object]:
    entries = [entry for entry in params.rounds.values() if entry.dataset == dataset]
    last = max(entries, key=lambda entry: entry.round, default=None)
    return {
        "dataset": dataset,
        "round": last.round + 1 if last else 1,
        "previous": last.round if last else 0,
        "generator": last.generator if last else generator,
    }


def _edit(path: Path, change: Callable[[Any], None]) -> None:
    """Change a YAML file in one step; what the change leaves alone keeps its form."""
    from ruamel.yaml import YAML  # noqa: PLC0415  only this command writes YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    try:
        before = files.read_text(path)
        documents.parse_yaml(before)  # what it cannot read, nobody else should
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except DocumentError as error:
        raise UsageError(f"{path} {error}") from error
    content = _loaded(yaml, before, path)
    snapshot = copy.deepcopy(content)
    change(content)
    if content == snapshot:
        return
    text = io.StringIO()
    yaml.dump(content, text)
    files.write_text(path, text.getvalue())


def _loaded(yaml: Any, text: str, path: Path) -> Any:  # noqa: ANN401  ruamel.yaml is imported late
    """A document with its form, which needs more of it than its content does."""
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415  only this command writes YAML

    try:
        return yaml.load(text)
    except (YAMLError, ValueError, TypeError, AttributeError) as error:
        said = documents.shown(str(error))
        raise UsageError(f"{path} cannot be changed with its form kept: {said}") from error
