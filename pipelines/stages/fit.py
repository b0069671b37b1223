"""Stage `fit`: the generator, fitted on the mix at the commit that the previous round pinned.

The commit is the one in the previous round's receipt, never a moving ref. Training rows that are
equal or near to held-out rows, or descend from such, are refused and listed. Files go to
`models/<dataset>/<round>/`, which DVC tracks; if the lake holds a generate commit made from the
same fit, its files are taken instead.
"""

from __future__ import annotations

import time
from typing import Final

from lake import files
from lake.tables import encode
from pipelines.common import console
from pipelines.common.seeds import derive_seed
from pipelines.gate import taint
from pipelines.generators import registry
from pipelines.rounds import history, keys, mixes, model_store
from pipelines.rounds.context import RoundContext, write_receipt

CODE: Final = ("pipelines/stages/fit.py", "pipelines/generators/{generator}")


def main(ctx: RoundContext) -> None:
    """Fit the generator of a round, or adopt the one that the lake holds."""
    pinned = ctx.previous()
    key = _key(ctx, pinned.data_key)
    adopted = history.find(ctx.lake, ctx.round, "stemma.fit_key", key)
    if adopted is not None:
        console.line(f"fit: adopted the generator of {adopted.id[:12]}")
        model_store.download(ctx.lake, adopted.id, ctx.round.dataset, ctx.round.number)
    else:
        _fit(ctx, pinned.commit)
    manifest, _ = model_store.generator_manifest(ctx.round.dataset, ctx.round.number)
    rows = {"mix": int(manifest["rows"])}
    write_receipt(ctx, "fit", pinned.commit, key, rows)


def _fit(ctx: RoundContext, commit: str) -> None:
    """Train on the mix at a commit and write generator and mix manifest."""
    round_ = ctx.round
    began = time.monotonic()
    kept = mixes.build(ctx.lake, commit, round_, tainted=taint.at(ctx, commit))
    directory = model_store.directory(round_.dataset, round_.number)
    registry.load(round_.generator).fit(
        kept.samples,
        getattr(round_.settings.fit, round_.generator),
        derive_seed(round_.seed, round_.dataset, round_.number, "fit"),
        directory,
    )
    files.write_text(directory / model_store.MIX, kept.manifest.model_dump_json(indent=2) + "\n")
    files.write_atomic(directory / model_store.LEFT_OUT, encode(kept.left_out))
    seconds = {"seconds": round(time.monotonic() - began, 3)}
    files.write_json(directory / model_store.COST, seconds)


def _key(ctx: RoundContext, data_key: str | None) -> str:
    return keys.input_key(
        "fit",
        settings=ctx.round.settings.fit,
        code=[path.format(generator=ctx.round.generator) for path in CODE],
        inputs={
            "dataset": ctx.round.dataset,
            "round": ctx.round.number,
            "identity": ctx.round.identity,
            "seed": ctx.round.seed,
            "previous": data_key,
        },
    )
