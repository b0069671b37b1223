"""Stage `fit`: the generator, fitted on the mix at the commit that the previous round pinned.

The commit is read from the previous round's receipt, never from a moving ref. Training rows that
equal held-out rows, are near-duplicates of them, or descend from such rows are left out and listed,
and so are those that were taken down;
the content of each row is compared with the hold-out here, whatever the lake says of its leaks.
The files are written to `models/<dataset>/<round>/`, which DVC tracks; if the lake holds a generate
commit with the same fit, its files are downloaded instead.
"""

from __future__ import annotations

import time

from lake import files
from lake.tables import encode
from pipelines.common import console
from pipelines.common.seeds import derive_seed
from pipelines.gate import contamination
from pipelines.generators.registry import GENERATORS
from pipelines.rounds import adoption, mixes, model_store, round_holdout, stage_inputs
from pipelines.rounds.context import RoundContext, write_receipt
from pipelines.takedown import denied_rows


def main(ctx: RoundContext) -> None:
    """Fit the generator of a round, or adopt a fitted generator from the lake."""
    pinned = ctx.previous()
    key = stage_inputs.key(ctx.round, "fit", pinned.data)
    adopted = adoption.find(ctx, "fit", key)
    if adopted is not None:
        console.line(f"fit: adopted the generator of {adopted.commit.id[:12]}")
        model_store.download(ctx.lake, adopted.commit.id, ctx.round.dataset, ctx.round.number)
    else:
        _check(ctx, pinned.commit)
        _fit(ctx, pinned.commit)
    manifest, _ = model_store.generator_manifest(ctx.round.dataset, ctx.round.number)
    mixed = mixes.read_manifest(ctx.round)
    rows = {"mix": int(manifest.get("rows", mixed.rows))}
    left_out = mixes.read_left_out(ctx.round, mixed)
    if denied := int((left_out["why"] == mixes.TAKEN_DOWN).sum()):
        rows["denied"] = denied
    write_receipt(ctx, "fit", pinned.commit, adopted.key if adopted else key, rows)


def _check(ctx: RoundContext, commit: str) -> None:
    """Check what the later stages need, before anything is trained."""
    # Great Expectations takes seconds to import, and adopting a generator needs nothing of it.
    from pipelines.project import readiness  # noqa: PLC0415

    readiness.check(ctx, commit)


def _fit(ctx: RoundContext, commit: str) -> None:
    """Fit the generator on the mix at a commit; write generator and mix manifest."""
    round_ = ctx.round
    began = time.monotonic()
    contaminated = contamination.of_mix(ctx, commit, round_holdout.open_at(ctx, commit))
    denied = denied_rows.of_mix(ctx.lake, commit, round_)
    mix = mixes.build(ctx.lake, commit, round_, contaminated=contaminated, denied=denied)
    directory = model_store.directory(round_.dataset, round_.number)
    GENERATORS.load(round_.generator).fit(
        mix.samples,
        round_.settings.fit.of(round_.generator),
        derive_seed(round_.seed, round_.dataset, round_.number, "fit"),
        directory,
    )
    files.write_text(directory / model_store.MIX, mix.manifest.model_dump_json(indent=2) + "\n")
    files.write_atomic(directory / model_store.LEFT_OUT, encode(mix.left_out))
    seconds = {"seconds": round(time.monotonic() - began, 3)}
    files.write_json(directory / model_store.COST, seconds)
