"""Stage `generate`: candidates and their lineage, on the round's branch.

The generator of the round makes them (`generators/protocol.py`), shard by shard; each shard has a
seed of its own, derived from the root seed, the data set, the round, the stage and the shard, so
one shard can be made again alone. Beside the candidates the commit holds the generator itself, and
the manifest says in which environment they were made, so that a second clone, or a replay, needs
nothing that is not in the lake.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from lake import refs
from lake.values import Commit
from lineage import record
from lineage.mix import MixManifest
from pipelines.generators import registry
from pipelines.generators.protocol import GenerateRequest, GenerateResult
from pipelines.rounds import branches, keys, manifest, mixes, model_store, tables
from pipelines.rounds.context import RoundContext, write_receipt
from pipelines.rounds.staging_branch import staging_branch

CODE: Final = (
    "pipelines/stages/generate.py",
    "pipelines/generators/protocol.py",
    "pipelines/generators/{generator}",
)
KNOWN: Final = ("row", "sample_id", "seed", "shard", "prompt_digest")
"""What lineage records of a candidate, where its generator gives it."""


def main(ctx: RoundContext, *, supersede: bool = False) -> None:
    """Make the candidates of a round, or adopt those that the lake holds."""
    fitted = ctx.receipt("fit")
    key = _key(ctx, fitted.input_key)
    commit = branches.adopt(ctx, "generate", key, supersede=supersede) or _generate(
        ctx, key, fitted.input_key, supersede=supersede
    )
    about = manifest.read(ctx.lake, commit.id, ctx.round.dataset, ctx.round.number)
    write_receipt(ctx, "generate", commit.id, key, about["counts"])


def _generate(ctx: RoundContext, key: str, fit_key: str, *, supersede: bool) -> Commit:
    """Cut the round's branch, write the round, and commit once."""
    round_ = ctx.round
    base = branches.origin(ctx, supersede=supersede)
    made, cost = _made(ctx)
    about = {"stemma.fit_key": fit_key, "stemma.base": base}

    def produce(branch: str) -> Mapping[str, str]:
        _write(ctx, branch, made, cost)
        return about

    message = f"Generate {len(made.candidates)} candidates of {round_.key}"
    with staging_branch(ctx.lake, round_.branch, base) as branch:
        branches.clear(ctx, branch, base)
        return branches.finish(ctx, branch, "generate", key=key, produce=produce, message=message)


def _made(ctx: RoundContext) -> tuple[GenerateResult, dict[str, Any]]:
    """Every candidate of the round, and what making them took."""
    round_ = ctx.round
    asked = GenerateRequest(
        dataset=round_.dataset,
        round=round_.number,
        seed=round_.seed,
        identity=round_.identity,
        candidates=round_.settings.generate.candidates,
        shard_rows=round_.settings.generate.shard_rows,
        settings=getattr(round_.settings.generate, round_.generator),
        directory=model_store.directory(round_.dataset, round_.number),
    )
    began = time.monotonic()
    made = registry.load(round_.generator).make(asked)
    return made, {"seconds": round(time.monotonic() - began, 3), **made.cost}


def _lineage(
    ctx: RoundContext, made: GenerateResult, digest: str, mix: MixManifest
) -> pl.DataFrame:
    """Where each candidate came from; a generator that is opaque stands for itself alone."""
    round_, generator = ctx.round, registry.load(ctx.round.generator)
    known = [name for name in KNOWN if name in made.candidates.columns]
    stored = None
    if made.parents is not None:
        pinned = ctx.receipt("fit").commit
        rows = tables.accepted_lineage(ctx.lake, pinned, round_.dataset)
        stored = rows.with_columns(pl.lit(round_.dataset).alias("dataset"))
    return record.derive(
        made.candidates.select(known),
        round_number=round_.number,
        dataset=round_.dataset,
        generator=digest,
        attribution=generator.ATTRIBUTION,
        mix=None if generator.OPAQUE else mix,
        parents=made.parents,
        stored=stored,
    )


def _write(ctx: RoundContext, branch: str, made: GenerateResult, cost: Mapping[str, Any]) -> None:
    """Stage candidates, lineage, generator and manifest of the round."""
    round_, lake = ctx.round, ctx.lake
    about, digest = model_store.generator_manifest(round_.dataset, round_.number)
    mix = mixes.read_manifest(round_)
    rows = _lineage(ctx, made, digest, mix)
    columns = round_.settings.modality.columns(made.candidates)
    payload = made.candidates.select(
        pl.lit(round_.number, pl.Int32).alias("round"), "row", "sample_id", *columns
    )
    lake.write(branch, refs.part(round_.dataset, "candidates", round_.number), payload)
    lake.write(branch, refs.part(round_.dataset, "lineage", round_.number), rows)
    left_out = mixes.read_left_out(round_, mix)
    if len(left_out):
        lake.write(branch, refs.part(round_.dataset, "left_out", round_.number), left_out)
    model_store.upload(lake, branch, round_.dataset, round_.number)
    content = {
        "dataset": round_.dataset,
        "round": round_.number,
        "previous": round_.previous,
        "line": round_.line,
        "seed": round_.seed,
        "settings": round_.settings.model_dump(mode="json"),
        "generator": about | {"digest": digest},
        "mix": mix.model_dump(mode="json"),
        "counts": {"candidates": len(made.candidates)},
        "cost": {"fit": model_store.cost(round_.dataset, round_.number), "generate": dict(cost)},
        "environment": dict(made.environment),
        "generation": dict(made.facts),
    }
    manifest.write(lake, branch, round_.dataset, round_.number, content)


def _key(ctx: RoundContext, fit_key: str) -> str:
    name = ctx.round.generator
    return keys.input_key(
        "generate",
        settings=ctx.round.settings.generate,
        code=[
            *(path.format(generator=name) for path in CODE),
            *registry.files(name, getattr(ctx.round.settings.generate, name)),
        ],
        inputs={
            "dataset": ctx.round.dataset,
            "round": ctx.round.number,
            "line": ctx.round.line,
            "identity": ctx.round.identity,
            "seed": ctx.round.seed,
            "fit": fit_key,
        },
    )
