"""`stemma suite new` and `stemma suite check`: a data set's suite alone."""

from __future__ import annotations

from typing import Any, Final

from expectations import suite as suites
from lake import files
from pipelines.common import seeds
from pipelines.params import load
from pipelines.project import dataset_entry, suite_check, suite_template
from pipelines.project.dataset_entry import LABEL, Real
from review.cli.datasets import wanted_dataset
from review.cli.output import make_console, print_json, sentence
from review.commands.dataset_add import suite_text
from review.errors import Findings, UsageError

CANDIDATES: Final = "generate"


def run(*, dataset: str, dry_run: bool, as_json: bool) -> None:
    """Measure a suite on the training rows of a data set and write it where there is none."""
    params = load()
    name = wanted_dataset(params, dataset)
    path = suites.place(name)
    if path.exists() and not dry_run:
        raise UsageError(
            f"{path} is there already, and nothing was changed; move it away first, or look at "
            f"what would be written with --dry-run"
        )
    settings = params.datasets[name]
    real = dataset_entry.of_settings(settings)
    scorers = settings.verify.scorers
    seed = seeds.derive_seed(params.seed, name, 1, "verify")
    measured = dataset_entry.measure(real, scorers, seed)
    content = suite_template.write(
        name, measured, real.payload, scorers, candidates=settings.generate.candidates
    )
    if not dry_run:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, suite_text(content))
    if as_json:
        left_out = dict(measured.left_out)
        print_json(
            {"suite": content, "not_measured": left_out, "file": str(path), "written": not dry_run}
        )
        return
    out = make_console()
    for scorer, reason in measured.left_out.items():
        out.print(sentence(f"scorer {scorer} was not measured: {reason}"), soft_wrap=True)
    if dry_run:
        out.print(suite_text(content), soft_wrap=True)
    rules = len(content["expectations"])
    verb = "would write" if dry_run else "wrote"
    out.print(
        sentence(f"{verb} {path}: {rules} expectations, measured on {len(measured.rows):,} rows")
    )


def check(*, dataset: str, as_json: bool) -> None:
    """Hold the suite of a data set against its data and its scorers.

    Raises:
        Findings: Something does not fit.
    """
    from pipelines.verification import judging  # noqa: PLC0415  imports Great Expectations

    params = load()
    name = wanted_dataset(params, dataset)
    suite = judging.suite_of(name)
    settings = params.datasets[name]
    real = dataset_entry.of_settings(settings)
    found = suite_check.check(suite, judged_columns(real), settings.verify.scorers, _classes(real))
    if as_json:
        print_json({"dataset": name, "findings": [_to_dict(each) for each in found]})
    else:
        out = make_console()
        for each in found:
            out.print(sentence(f"{each.level}: {each.sentence}"), soft_wrap=True)
        if not found:
            out.print(sentence(f"{suites.place(name)}: {len(suite.rules)} expectations fit"))
    errors = sum(each.level == "error" for each in found)
    if errors:
        raise Findings(f"{errors} of the expectations of {name} do not fit")


def judged_columns(real: Real) -> list[str]:
    """The columns of the payload under the names that a suite sees."""
    import polars as pl  # noqa: PLC0415  slow to import

    head = real.train.head(1).with_columns(pl.lit(0, pl.Int32).alias("round"))
    return suite_check.judged(real.settings.modality.shown(head))


def _classes(real: Real) -> list[Any] | None:
    if LABEL not in real.train.columns:
        return None
    return real.train[LABEL].unique().sort().to_list()


def _to_dict(finding: suite_check.Finding) -> dict[str, str | None]:
    return {
        "level": finding.level,
        "expectation": finding.expectation,
        "sentence": finding.sentence,
    }
