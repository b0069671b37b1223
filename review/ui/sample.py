"""`/sample/digits/3/57?ref=digits-r003`: where a sample came from, and why it stayed or did not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from starlette.requests import Request
from starlette.responses import Response

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.rounds import ancestry_index, manifest, tables
from pipelines.verification.verdicts import examples
from pipelines.verification.verdicts.examples import Example
from review.provenance import origins
from review.provenance.lookup import Located
from review.provenance.origins import SampleProvenance
from review.ui import app_state, picture, render, review

Place = tuple[str, int, int]
PICTURED: Final = 24
"""Members of the tree whose picture is drawn."""
ROOTS: Final = 8
"""Real roots that are shown beside the sample."""
MINOR: Final = ("architecture", "schedule", "environment")
"""Sections that are folded."""
NESTED: Final = 12
"""Settings of a generator that are told of one section."""


def show(request: Request) -> Response:
    """One occurrence, as a ref holds it."""
    lake, given = app_state.of(request).lake, request.path_params
    ref = request.query_params.get("ref") or refs.MAIN
    commit = lake.resolve(ref).id
    place: Place = (given["dataset"], given["round"], given["row"])
    found = _found(lake, commit, place, ref)
    shown = _examples(lake, commit, found)
    own = shown.get(place)
    made = list(_generator(lake, commit, found))
    return render.page(
        request,
        "sample.html.j2",
        ref=ref,
        branch=ref if refs.BRANCH.match(ref) else None,
        found=found,
        one=found.occurrence,
        own=own,
        roots=[(at, each) for at, each in _roots(found, shown)][:ROOTS],
        learned=_learned(lake, commit, found, own),
        drawn=picture.draw(found, _images(shown), ref),
        wide=picture.WIDE,
        high=picture.HIGH,
        generator=[each for each in made if not each[0].startswith(MINOR)],
        minor=[each for each in made if each[0].startswith(MINOR)],
    )


def _found(lake: Lake, commit: str, place: Place, ref: str) -> SampleProvenance:
    index = ancestry_index.open_at(lake, commit)
    at = pl.DataFrame(
        [place], schema={"dataset": pl.String, "round": pl.Int32, "row": pl.Int64}, orient="row"
    )
    number = int(index.numbers(at)[0])
    if number < 0:
        raise NotFoundError(f"{ref} holds no row {place[2]} of round {place[1]} of {place[0]}")
    located = Located(index, commit, np.array([number], dtype=np.int64), None)
    return next(iter(origins.describe(lake, located)))


def _examples(lake: Lake, commit: str, found: SampleProvenance) -> dict[Place, Example]:
    """What the nearest members of the tree look like; those whose payload is gone are left out."""
    near = found.family.nodes.head(PICTURED)
    shown: dict[Place, Example] = {}
    for (dataset, number), part in near.group_by("dataset", "round", maintain_order=True):
        name, at = str(dataset), int(str(number))
        try:
            frame = review.samples_at(lake, commit, name, at, part["row"].to_list())
        except NotFoundError:
            continue
        rows = examples.of_rows(frame)
        shown |= {(name, at, row): example for row, example in rows.items()}
    return shown


def _images(shown: Mapping[Place, Example]) -> dict[Place, str]:
    found = {}
    for place, example in shown.items():
        uri = next((part.picture for part in example.parts if part.picture), None)
        if uri:
            found[place] = uri
    return found


def _roots(
    found: SampleProvenance, shown: Mapping[Place, Example]
) -> Iterator[tuple[Place, Example]]:
    """Real ancestors, the nearest first."""
    real = found.family.nodes.filter(pl.col("kind") == "real", pl.col("steps") > 0)
    for place in real.select("dataset", "round", "row").iter_rows():
        if place in shown:
            yield place, shown[place]


def _learned(
    lake: Lake, commit: str, found: SampleProvenance, own: Example | None
) -> list[tuple[Place, Example]]:
    """Some real rows that the sample's model may have learned from, of the same label if any."""
    mix = found.mixes.get(found.occurrence.trained_on or "")
    if mix is None or not mix.licences:
        return []
    dataset = str(mix.manifest["dataset"])
    try:
        real = tables.read(lake, commit, dataset, "samples").filter(pl.col("round") == 0)
        if own is not None and own.label is not None and "label" in real.collect_schema():
            real = real.filter(pl.col("label").cast(pl.String) == own.label)
        rows = examples.of_rows(real.head(ROOTS).collect())
    except NotFoundError:
        return []
    return [((dataset, 0, row), example) for row, example in rows.items()]


def _generator(lake: Lake, commit: str, found: SampleProvenance) -> Iterator[tuple[str, str]]:
    """The generator's manifest as names and values, sections flattened."""
    one = found.occurrence
    if one.kind == "real":
        return
    try:
        about = manifest.read(lake, commit, one.dataset, one.round)
    except NotFoundError:
        return
    yield from _flat("", about.get("generator") or {})
    yield from _flat("environment ", about.get("environment") or {})


def _flat(head: str, content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        said = f"{head}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from list(_flat(f"{said} ", value))[:NESTED]
        elif isinstance(value, list):
            yield said, ", ".join(map(str, value[:NESTED])) + (" …" if value[NESTED:] else "")
        else:
            yield said, str(value)
