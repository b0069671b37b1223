"""`/sample/digits/3/57?ref=digits-r003`: where a sample came from, and why it was accepted."""

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
from review.cli.round_refs import RoundRef
from review.provenance import origins, payload
from review.provenance.lookup import Located
from review.provenance.origins import SampleProvenance
from review.ui import (
    access,
    app_state,
    comments,
    filters,
    guidelines,
    neighbours,
    offers,
    picture,
    render,
)
from review.ui.neighbours import Nearest
from review.ui.offers import Offer

Node = tuple[str, int, int]
PICTURED: Final = 24
"""Members of the tree that are drawn with their image."""
ROOTS: Final = 8
"""Real roots that are shown beside the sample."""
LONGEST: Final = 100_000
"""Characters of a text that are shown; a link leads to all of a longer one."""
MINOR: Final = ("architecture", "schedule", "environment")
"""Sections of the generator's manifest that are folded."""
NESTED: Final = 12
"""Settings of one section that are shown."""


def show(request: Request) -> Response:
    """One occurrence, as a ref holds it."""
    lake, path_params = app_state.of(request).lake, request.path_params
    ref = request.query_params.get("ref") or refs.MAIN
    commit = lake.resolve(ref).id
    node: Node = (path_params["dataset"], path_params["round"], path_params["row"])
    wanted = filters.parse(request.query_params).first_page
    provenance = _located(lake, commit, node, ref)
    pictured = _examples(lake, commit, provenance)
    own_example = pictured.get(node)
    facts = list(_generator(lake, commit, provenance))
    return render.page(
        request,
        "sample.html.j2",
        ref=ref,
        branch=ref if refs.BRANCH.match(ref) else None,
        provenance=provenance,
        occurrence=provenance.occurrence,
        own=own_example,
        whole=payload.read(lake, commit, *node),
        longest=LONGEST,
        roots=list(_roots(provenance, pictured))[:ROOTS],
        learned=_learned(lake, commit, provenance, own_example),
        nearest=_nearest(lake, commit, node),
        in_list=neighbours.in_list(lake, commit, node, wanted),
        query=wanted.query,
        narrowed=wanted.any,
        offer=_offer(request, ref, commit, node),
        comments=comments.of_sample(lake, ref, commit, node) if refs.BRANCH.match(ref) else [],
        guidelines=guidelines.of_dataset(app_state.of(request).params, node[0]),
        tree=picture.draw(provenance, _images(pictured), ref),
        wide=picture.WIDE,
        high=picture.HIGH,
        generator=[fact for fact in facts if not fact[0].startswith(MINOR)],
        minor=[fact for fact in facts if fact[0].startswith(MINOR)],
    )


def _offer(request: Request, ref: str, commit: str, node: Node) -> Offer | None:
    """What can be decided about a candidate; None unless its round's branch shows it."""
    state, match = app_state.of(request), refs.BRANCH.match(ref)
    if match is None or (match["dataset"], int(match["round"])) != node[:2]:
        return None
    if not access.visitor_of(request).decides:
        return None
    round_ref = RoundRef(ref, node[0], node[1], commit, match["line"] or refs.MAIN)
    return offers.of_round(state.context(round_ref), round_ref, node[2])


def _located(lake: Lake, commit: str, node: Node, ref: str) -> SampleProvenance:
    index = ancestry_index.open_at(lake, commit)
    frame = pl.DataFrame(
        [node], schema={"dataset": pl.String, "round": pl.Int32, "row": pl.Int64}, orient="row"
    )
    number = int(index.numbers(frame)[0])
    if number < 0:
        raise NotFoundError(f"there is no row {node[2]} of round {node[1]} of {node[0]} at {ref}")
    located = Located(index, commit, np.array([number], dtype=np.int64), None)
    return next(iter(origins.describe(lake, located)))


def _examples(lake: Lake, commit: str, provenance: SampleProvenance) -> dict[Node, Example]:
    """The payload of the nearest members of the tree; those whose payload is gone are left out."""
    nearest = provenance.family.nodes.head(PICTURED)
    pictured: dict[Node, Example] = {}
    for (dataset, number), group in nearest.group_by("dataset", "round", maintain_order=True):
        name, round_number = str(dataset), int(str(number))
        try:
            frame = payload.rows_at(lake, commit, name, round_number, group["row"].to_list())
        except NotFoundError:
            continue
        rows = examples.of_rows(frame)
        pictured |= {(name, round_number, row): example for row, example in rows.items()}
    return pictured


def _images(pictured: Mapping[Node, Example]) -> dict[Node, str]:
    images = {}
    for node, example in pictured.items():
        uri = next((part.picture for part in example.parts if part.picture), None)
        if uri:
            images[node] = uri
    return images


def _roots(
    provenance: SampleProvenance, pictured: Mapping[Node, Example]
) -> Iterator[tuple[Node, Example]]:
    """Real ancestors with their payload, the nearest first."""
    real = provenance.family.nodes.filter(pl.col("kind") == "real", pl.col("steps") > 0)
    for node in real.select("dataset", "round", "row").iter_rows():
        if node in pictured:
            yield node, pictured[node]


def _learned(
    lake: Lake, commit: str, provenance: SampleProvenance, own_example: Example | None
) -> list[tuple[Node, Example]]:
    """Some real rows of the sample's training mix, of the same label if it has one."""
    mix = provenance.mixes.get(provenance.occurrence.trained_on or "")
    if mix is None or not mix.licences:
        return []
    dataset = str(mix.manifest["dataset"])
    try:
        real_rounds = tables.real_rounds(lake, commit, dataset)
        samples = tables.read(lake, commit, dataset, "samples")
        real = samples.filter(pl.col("round").is_in(real_rounds))
        if (
            own_example is not None
            and own_example.label is not None
            and "label" in real.collect_schema()
        ):
            real = real.filter(pl.col("label").cast(pl.String) == own_example.label)
        first = real.head(ROOTS).collect()
        found = [
            ((dataset, int(str(number)), row), example)
            for (number,), group in first.group_by("round", maintain_order=True)
            for row, example in examples.of_rows(group).items()
        ]
    except NotFoundError:
        return []
    return found


def _nearest(lake: Lake, commit: str, node: Node) -> list[tuple[Nearest, Example | None]] | None:
    """The nearest rows with their payload, as far as it is there; None: none were measured."""
    found = neighbours.nearest(lake, commit, node)
    if found is None:
        return None
    shown: dict[tuple[int, int], Example] = {}
    for number in {entry.round for entry in found}:
        rows = [entry.row for entry in found if entry.round == number]
        try:
            frame = payload.rows_at(lake, commit, node[0], number, rows)
        except NotFoundError:
            continue
        shown |= {(number, row): example for row, example in examples.of_rows(frame).items()}
    return [(entry, shown.get((entry.round, entry.row))) for entry in found]


def _generator(lake: Lake, commit: str, provenance: SampleProvenance) -> Iterator[tuple[str, str]]:
    """The generator's manifest as names and values, with sections flattened."""
    occurrence = provenance.occurrence
    if occurrence.kind == "real":
        return
    try:
        round_manifest = manifest.read(lake, commit, occurrence.dataset, occurrence.round)
    except NotFoundError:
        return
    yield from _flat("", round_manifest.get("generator") or {})
    yield from _flat("environment ", round_manifest.get("environment") or {})


def _flat(head: str, content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        label = f"{head}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from list(_flat(f"{label} ", value))[:NESTED]
        elif isinstance(value, list):
            yield label, ", ".join(map(str, value[:NESTED])) + (" …" if value[NESTED:] else "")
        else:
            yield label, str(value)
