"""`stemma round add` and `stemma round redo`: change params.yaml, with its comments kept.

DVC requires every section of params.yaml that a stage names, so missing ones are written as empty
sections, and the first round of a data set gets its plots in dvc.yaml.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Final

from pipelines.common.settings import nearest
from pipelines.params import FILE, Params, load
from pipelines.project import yaml_edit
from review.cli.datasets import wanted_dataset
from review.cli.output import make_console, print_json, sentence
from review.errors import UsageError

STAGES: Final = ("fit", "generate", "verify", "curate", "evaluate", "publish")
PIPELINE: Final = "dvc.yaml"


def run(*, dataset: str, as_json: bool) -> None:
    """Append a round and print what to do next."""
    key = add(Path(FILE), dataset)
    changed = [FILE, *([PIPELINE] if add_plots(Path(PIPELINE), dataset) else [])]
    if as_json:
        print_json({"round": key, "files": changed})
    else:
        message = f"added {key} to {' and '.join(changed)}; `dvc repro` runs it alone"
        make_console().print(sentence(message))


def redo(*, key: str, as_json: bool) -> None:
    """Raise the revision of a round in params.yaml, and print what follows from it."""
    path = Path(FILE)
    params = load(path)
    if key not in params.rounds:
        raise UsageError(f"there is no round {key!r} in {path}{nearest(key, params.rounds)}")
    entry = params.rounds[key]
    revision = entry.revision + 1

    def change(content: Any) -> None:  # noqa: ANN401  a YAML document
        content["rounds"][key]["revision"] = revision

    yaml_edit.edit(path, change)
    load(path)
    later = sorted(
        other.round
        for other in params.rounds.values()
        if other.dataset == entry.dataset and other.round > entry.round
    )
    following = [f"{entry.dataset}-{number}" for number in later]
    if as_json:
        print_json({"round": key, "revision": revision, "files": [FILE], "also": following})
        return
    after = f", and then {', '.join(following)}, which descend from it" if following else ""
    made = f"`dvc repro` makes it again{after}; main keeps what it held in its history"
    make_console().print(sentence(f"{key} is revision {revision} in {FILE}; {made}"))


def add(path: Path, dataset: str) -> str:
    """Append the round after the last one of a data set; return its key.

    Raises:
        UsageError: there is no such data set.
        ParamsError: the file is invalid already.
    """
    params = load(path)
    name = wanted_dataset(params, dataset)
    entry = _next(params, name, params.datasets[name].modality.generator)
    key = f"{dataset}-{entry['round']}"

    def change(content: Any) -> None:  # noqa: ANN401  a YAML document
        for stage in STAGES:
            content["datasets"][dataset].setdefault(stage, {})
        yaml_edit.put(content, "rounds", key, entry | {stage: {} for stage in STAGES})

    yaml_edit.edit(path, change)
    load(path)
    return key


def add_plots(path: Path, dataset: str) -> bool:
    """Add plots for a data set like those of another one, unless it has some.

    Returns:
        Whether plots were added.
    """

    def is_of_dataset(plot: Any) -> bool:  # noqa: ANN401  a YAML node
        (settings,) = plot.values()
        return any(f"reports/{dataset}/" in str(name) for name in settings["y"])

    added: list[bool] = []

    def change(content: Any) -> None:  # noqa: ANN401  a YAML document
        plots = content.get("plots") if isinstance(content, dict) else None
        plots = plots if isinstance(plots, list) else []
        our_plots = [plot for plot in plots if _is_by_round(plot)]
        if not our_plots or any(is_of_dataset(plot) for plot in our_plots):
            return
        other = next(iter(our_plots[0])).partition(",")[0]
        for plot in [
            candidate for candidate in our_plots if next(iter(candidate)).startswith(f"{other},")
        ]:
            ((name, settings),) = copy.deepcopy(dict(plot)).items()
            settings["y"] = {
                str(file).replace(f"reports/{other}/", f"reports/{dataset}/"): columns
                for file, columns in settings["y"].items()
            }
            plots.append({name.replace(other, dataset, 1): settings})
        added.append(True)

    if path.is_file():
        yaml_edit.edit(path, change)
    return bool(added)


def _is_by_round(plot: object) -> bool:
    """Whether a plot has the form of those over rounds: a name, with columns by file."""
    if not isinstance(plot, dict) or len(plot) != 1:
        return False
    ((name, settings),) = plot.items()
    return (
        isinstance(name, str) and isinstance(settings, dict) and isinstance(settings.get("y"), dict)
    )


def _next(params: Params, dataset: str, generator: str) -> dict[str, object]:
    entries = [entry for entry in params.rounds.values() if entry.dataset == dataset]
    last = max(entries, key=lambda entry: entry.round, default=None)
    return {
        "dataset": dataset,
        "round": last.round + 1 if last else 1,
        "previous": last.round if last else 0,
        "generator": last.generator if last else generator,
    }
