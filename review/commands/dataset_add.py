"""`stemma dataset add`: look at data, and write its settings, suite, plots and first round."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from expectations import suite as suites
from lake import files, refs
from pipelines.common import seeds
from pipelines.params import FILE, Params, load
from pipelines.project import dataset_entry, yaml_edit
from pipelines.project.candidates_file import COMMENTS as ROUND_COMMENTS
from pipelines.project.candidates_file import GENERATOR, UNTIED
from pipelines.project.dataset_entry import Plan
from pipelines.project.detection import Choice, Detected
from pipelines.project.scaffold import PIPELINE
from review.cli.candidates import made_elsewhere
from review.cli.output import make_console, print_json, sentence
from review.errors import UsageError

SHOWN: Final = 12
"""Classes and columns that are named."""


def run(
    *,
    name: str,
    source: str,
    modality: str | None,
    label: str | None,
    target: str | None,
    column: tuple[str, ...],
    no_label: bool,
    key: str | None,
    keep: tuple[str, ...],
    no_keep: bool,
    licence: str | None,
    generator: str | None = None,
    candidates: str | None,
    parents: str | None,
    maker: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Plan what to write about a data set, write it unless told not to, and print it."""
    params = load()
    _check(params, name)
    for first, second in (("--label", label and no_label), ("--keep", keep and no_keep)):
        if second:
            raise UsageError(f"{first} and --no-{first[2:]} contradict each other; give one")
    seed = seeds.derive_seed(params.seed, name, 1, "verify")
    choice = Choice(
        modality,
        label,
        target,
        column,
        unlabelled=no_label,
        id=key,
        keep=keep or (() if no_keep else None),
    )
    made = made_elsewhere(candidates, parents, maker, generator)
    plan = dataset_entry.plan(
        name, source, choice, licence=licence, seed=seed, made=made, generator=generator
    )
    texts = _texts(plan)
    if not dry_run:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write_text(path, text)
        load()
    if as_json:
        print_json(_to_dict(plan, texts, dry_run=dry_run))
        return
    out = make_console()
    for line in _lines(plan, texts, dry_run=dry_run):
        out.print(sentence(line), soft_wrap=True)


def _check(params: Params, name: str) -> None:
    """Refuse a name that the lake cannot have, or that is taken.

    Raises:
        UsageError: It is such a name.
    """
    suite = suites.place(name)
    if not refs.NAME.match(name):
        raise UsageError(
            f"a data set cannot be called {name!r}: use small letters, digits and _, and begin "
            "with a letter"
        )
    if name in params.datasets:
        raise UsageError(
            f"{FILE} has a data set {name!r} already, and nothing was changed; choose another "
            f"name, or edit {FILE} (`stemma suite new {name}` writes its suite again)"
        )
    if suite.exists():
        raise UsageError(f"{suite} is there already, and nothing was changed; move it away first")


def _texts(plan: Plan) -> dict[Path, str]:
    """The content of each file that changes, by its path."""
    key = f"{plan.name}-1"

    def settings(content: Any) -> None:  # noqa: ANN401  a YAML document
        yaml_edit.put(
            content, "datasets", plan.name, yaml_edit.commented(plan.entry, plan.comments)
        )
        yaml_edit.put(content, "rounds", key, yaml_edit.commented(plan.round, ROUND_COMMENTS))

    def pipeline(content: Any) -> None:  # noqa: ANN401  a YAML document
        if isinstance(content, dict) and isinstance(content.get("plots") or [], list):
            content["plots"] = [
                *(content.get("plots") or []),
                *(yaml_edit.commented(plot, {}) for plot in plan.plots),
            ]

    changed = {FILE: settings, PIPELINE: pipeline}
    texts = {
        Path(name): text
        for name, change in changed.items()
        if Path(name).is_file() and (text := yaml_edit.changed(Path(name), change)) is not None
    }
    return {suites.place(plan.name): suite_text(plan.suite), **texts}


def suite_text(suite: Any) -> str:  # noqa: ANN401  JSON
    """Write the content of a suite as its file has it."""
    return json.dumps(suite, indent=2, ensure_ascii=False) + "\n"


def _to_dict(plan: Plan, texts: dict[Path, str], *, dry_run: bool) -> dict[str, Any]:
    detected = plan.detected
    return {
        "dataset": plan.name,
        "round": f"{plan.name}-1",
        "modality": detected.modality,
        "rows": detected.rows,
        "identity": list(detected.identity),
        "label": detected.label,
        "target": detected.target,
        "id": detected.id,
        "kept": list(detected.keep),
        "reasons": dict(detected.reasons),
        "could_be_label": detected.could_be_label,
        "columns": dict(detected.kinds),
        "not_used": dict(detected.unused),
        "splits": dict(plan.splits),
        "classes": dict(plan.classes),
        "left_out": [each.to_dict() for each in plan.report.account.left_out],
        "notes": [*plan.report.account.notes, *plan.notes],
        "lowered": plan.lowered,
        "uneven": plan.report.uneven,
        "personal_data": plan.report.personal.to_dict(),
        "scorers_left_out": dict(plan.left_out),
        "entry": dict(plan.entry),
        "suite": plan.suite,
        "plots": plan.plots,
        "files": [str(path) for path in texts],
        "written": not dry_run,
    }


def _lines(plan: Plan, texts: dict[Path, str], *, dry_run: bool) -> Iterator[str]:
    """Say what the data was taken for, what is not used, and what was written."""
    yield from _about_data(plan)
    entry = plan.entry
    scorers = entry["verify"]["scorers"]
    yield f"a round: {_of_round(plan)}, scored by {', '.join(scorers)}"
    if plan.round["generator"] == GENERATOR and "parents" not in plan.round["generate"][GENERATOR]:
        yield UNTIED
    yield from plan.notes
    for name, reason in plan.left_out.items():
        yield f"scorer {name} is left out: {reason}"
    rules = plan.suite["expectations"]
    measured = sum("quantile" in rule["meta"].get("measured", "") for rule in rules)
    warns = [rule["meta"]["name"] for rule in rules if "only warns" in str(rule["meta"])]
    yield (
        f"suite: {len(rules)} expectations, {measured} with limits measured on real training rows "
        "out of fold"
    )
    if warns:
        yield f"only warning, because too many real rows fail: {', '.join(warns)}"
    if limits := entry["publish"]["guard"]:
        yield (
            f"guard: {', '.join(f'{name} {value}' for name, value in limits.items())}; "
            + (plan.comments["publish.guard"])
        )
    names = ", ".join(str(path) for path in texts)
    if dry_run:
        yield f"nothing was written; without --dry-run: {names}"
    else:
        yield f"wrote {names}; `stemma run {plan.name}` runs it"


def _of_round(plan: Plan) -> str:
    """Say which candidates the first round has."""
    generator = plan.round["generator"]
    if generator == GENERATOR:
        return f"the candidates of {plan.round['generate'][GENERATOR]['path']}"
    return f"{plan.entry['generate']['candidates']} candidates of generator {generator}"


def _about_data(plan: Plan) -> Iterator[str]:
    detected = plan.detected
    labels = "without labels" if detected.label is None else f"labels in {detected.label}"
    if detected.target is not None:
        labels = f"target {detected.target}"
    columns = _listed(detected.identity)
    yield (
        f"{plan.name}: {detected.rows:,} rows of modality {detected.modality}; content: {columns}; "
        f"{labels}"
    )
    yield from _about_columns(detected)
    if (could_be := detected.could_be_label) is not None:
        yield f"if {could_be} holds labels, say so with --label {could_be}"
    yield from plan.report.account.sentences()
    if plan.report.personal.counts:
        yield plan.report.personal.sentence()
    sizes = ", ".join(f"{count:,} {split}" for split, count in plan.splits.items())
    yield f"splits: {sizes}"
    if plan.lowered:
        yield plan.lowered
    if plan.report.uneven:
        yield plan.report.uneven
    if plan.classes:
        named = [f"{label} {count:,}" for label, count in list(plan.classes.items())[:SHOWN]]
        more = len(plan.classes) - len(named)
        listed = ", ".join(named) + (f" and {more} more" if more else "")
        yield f"{len(plan.classes)} classes, with training rows: {listed}"


def _listed(columns: Sequence[str]) -> str:
    more = len(columns) - SHOWN
    return ", ".join(columns[:SHOWN]) + (f" and {more:,} more columns" if more > 0 else "")


def _about_columns(detected: Detected) -> Iterator[str]:
    """Say which columns are labels by their values alone, which are kept, and which not used."""
    for name, reason in detected.reasons.items():
        yield f"{name} was taken for labels by its values: {reason}; --no-label, if it holds none"
    if detected.id is not None:
        yield f"key of each row: {detected.id}{detected.why_key}"
    if detected.keep:
        kept = _listed([f"{name} ({detected.kinds[name]})" for name in detected.keep])
        yield f"kept with the samples: {kept}"
    if detected.unused:
        listed = _listed([f"{name} ({kind})" for name, kind in detected.unused.items()])
        yield f"not used: {listed}"
