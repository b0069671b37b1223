"""`stemma test D-vN`: the final test on rows that no gate reads, and who has looked at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import RenderableType

from pipelines.inquiry.final_test import opening as final_test
from pipelines.inquiry.final_test.opening import Tested
from pipelines.inquiry.final_test.record import Opening, TestedFigure
from pipelines.params import load
from pipelines.rounds.context import open_lake
from pipelines.rounds.record_branch import Kept
from review.cli.datasets import dataset_at
from review.cli.output import make_console, number, plural, print_json, sentence, table, when

SHORT = 12


def run(*, ref: str, dataset: str | None, opened: bool, as_json: bool) -> None:
    """Open the test split for a version, or show what an earlier opening recorded."""
    params = load()
    lake = open_lake(params)
    name = dataset_at(lake, ref, lake.resolve(ref).id, dataset)
    if opened:
        every, holdout, refused = final_test.openings(lake, params, ref, name)
        if as_json:
            listed = {"openings": list(map(_to_dict, every)), "refused": list(refused)}
            print_json({"dataset": name, "holdout": holdout, **listed})
        else:
            out = make_console()
            out.print(_opened(name, every))
            for part in _refused(refused):
                out.print(part)
        return
    tested = final_test.open_test(lake, params, ref, name)
    if as_json:
        print_json(
            _to_dict(tested.opening)
            | {
                "is_new": tested.is_new,
                "times_opened": len(tested.all_openings),
                "much_read": tested.much_read,
                "openings": list(map(_to_dict, tested.all_openings)),
                "refused": list(tested.refused),
            }
        )
        return
    out = make_console()
    for part in _rendered(tested):
        out.print(part)


def _to_dict(kept: Kept[Opening]) -> dict[str, Any]:
    own = {"opened_by": kept.committer, "signed_by": kept.signer, "record": kept.commit}
    return kept.record.model_dump(mode="json") | own


def _rendered(tested: Tested) -> Iterator[RenderableType]:
    opening = tested.opening.record
    yield sentence(
        f"{opening.ref} at {opening.commit[:SHORT]}: {opening.figure} on {opening.rows:,} test "
        f"rows of {opening.dataset}, by {opening.task}",
        "bold",
    )
    names = {"mix": "trained on the mix", "real_only": "trained on real rows alone"}
    rows = [[names.get(name, name), _interval(each)] for name, each in opening.figures.items()]
    yield table("", ("", f"{opening.figure} (95 %)"), rows)
    if opening.in_training:
        count = opening.in_training
        yield sentence(
            f"{count:,} {plural('row', count)} of the mix have the content of a test row, so the "
            "figure says too much; `stemma audit --history main` names what brought them",
            "yellow",
        )
    if not tested.is_new:
        yield sentence(
            f"not opened again: {tested.opening.committer} opened it for this version on "
            f"{when(opening.created)}"
        )
    yield _opened(opening.dataset, tested.all_openings)
    if tested.much_read:
        yield sentence(
            f"a test that was read {len(tested.all_openings)} times is no test any more: what was "
            "chosen by its figures is favoured by them; split rows off that nobody has seen",
            "yellow",
        )
    yield from _refused(tested.refused)


def _refused(reasons: Sequence[str]) -> Iterator[RenderableType]:
    for reason in reasons:
        yield sentence(f"does not count: {reason}", "yellow")


def _opened(dataset: str, every: Sequence[Kept[Opening]]) -> RenderableType:
    if not every:
        return sentence(f"nobody has opened the test split of {dataset}")
    rows = [[each.record.ref, each.committer, when(each.record.created)] for each in every]
    times = plural("time", len(every))
    return table(f"opened {len(every)} {times}", ("version", "by", "when"), rows)


def _interval(figure: TestedFigure) -> str:
    if figure.value is None:
        return "–"
    return f"{number(figure.value)} ({number(figure.low)}–{number(figure.high)})"
