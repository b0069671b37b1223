"""`stemma round add` and `stemma round redo`: change params.yaml, with its comments kept.

DVC requires every section of params.yaml that a stage names, so missing ones are written as empty
sections, and the first round of a data set gets its plots in dvc.yaml.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pipelines.common.settings import nearest
from pipelines.generators import real
from pipelines.params import FILE, Params, load
from pipelines.project import chosen_generator, yaml_edit
from pipelines.project.candidates_file import COMMENTS, GENERATOR, UNTIED, CandidatesFile
from review.cli.candidates import made_elsewhere
from review.cli.datasets import wanted_dataset
from review.cli.output import make_console, print_json, sentence
from review.errors import UsageError

STAGES: Final = ("fit", "generate", "verify", "curate", "evaluate", "publish")
PIPELINE: Final = "dvc.yaml"


def run(
    *,
    dataset: str,
    generator: str | None = None,
    candidates: str | None = None,
    parents: str | None = None,
    maker: str | None = None,
    as_json: bool,
) -> None:
    """Append a round and print what to do next."""
    made = made_elsewhere(candidates, parents, maker, generator)
    key = add(Path(FILE), dataset, made, generator)
    changed = [FILE, *([PIPELINE] if add_plots(Path(PIPELINE), dataset) else [])]
    if as_json:
        print_json({"round": key, "files": changed})
    else:
        message = f"added {key} to {' and '.join(changed)}; `dvc repro` runs it alone"
        make_console().print(sentence(message))
        for line in _notes(key, made):
            make_console().print(sentence(line), soft_wrap=True)


def _notes(key: str, made: CandidatesFile | None) -> Iterator[str]:
    """Say what is to be known of a round that was added."""
    if made is not None and made.parents is None:
        yield UNTIED
    params = load(Path(FILE))
    entry = params.rounds[key]
    yield from chosen_generator.notes(entry.generator, params.datasets[entry.dataset])


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


def add(
    path: Path,
    dataset: str,
    made: CandidatesFile | None = None,
    generator: str | None = None,
) -> str:
    """Append the round after the last one of a data set; return its key.

    Args:
        path: of params.yaml.
        dataset: the data set's name.
        made: the round's candidates, where they were made elsewhere.
        generator: what makes them; None: what made those of the last round, or suits the data.

    Raises:
        DataError: the candidates cannot be read, or lack a column.
        UsageError: there is no such data set.
        ParamsError: the file is invalid already, or the generator does not suit the data.
    """
    params = load(path)
    name = wanted_dataset(params, dataset)
    settings = params.datasets[name]
    entry = _next(params, name, settings.modality.generator) | {stage: {} for stage in STAGES}
    if made is not None:
        entry = made.entry(entry, settings)
    elif generator is not None:
        entry = chosen_generator.entry(entry, generator, settings)
    else:
        entry = chosen_generator.limited(entry)
    key = f"{dataset}-{entry['round']}"

    def change(content: Any) -> None:  # noqa: ANN401  a YAML document
        for stage in STAGES:
            content["datasets"][dataset].setdefault(stage, {})
        yaml_edit.put(content, "rounds", key, yaml_edit.commented(entry, COMMENTS))

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
    """The entry after the last one; candidates of a file are those of one round alone."""
    entries = [entry for entry in params.rounds.values() if entry.dataset == dataset]
    last = max(entries, key=lambda entry: entry.round, default=None)
    made = [entry for entry in entries if entry.generator != real.NAME]
    like = max(made, key=lambda entry: entry.round, default=None)
    shared = params.datasets[dataset].generate.of(GENERATOR).model_dump()["path"]
    if like is not None and (like.generator != GENERATOR or shared):
        generator = like.generator
    return {
        "dataset": dataset,
        "round": last.round + 1 if last else 1,
        "previous": last.round if last else 0,
        "generator": generator,
    }
