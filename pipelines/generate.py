"""Stage `generate`: candidates and their lineage, on the round's branch.

Candidates are made shard by shard (`candidates.py`); each shard has a seed of its own, derived
from the root seed, the data set, the round, the stage and the shard, so one shard can be made again
alone. Beside the candidates the commit holds the generator itself, and the manifest says in which
environment they were made, so that a second clone, or a replay, needs nothing that is not in the
lake.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from lake import refs
from lake.values import Commit
from lineage import record
from pipelines import branches, candidates, keys, manifest, mixes, models, shards, stage
from pipelines.attempts import attempt
from pipelines.work import Work, write_receipt

CODE: Final = (
    "pipelines/generate.py",
    "pipelines/candidates.py",
    "pipelines/generators/{generator}",
)
ATTRIBUTION: Final = "mix/1"
"""Rule that gives a fitted generator's whole weight to its training mix."""


def main(work: Work, *, supersede: bool = False) -> None:
    """Make the candidates of a round, or adopt those that the lake holds."""
    fitted = work.receipt("fit")
    key = _key(work, fitted.input_key)
    commit = branches.adopt(work, "generate", key, supersede=supersede) or _generate(
        work, key, fitted.input_key, supersede=supersede
    )
    about = manifest.read(work.lake, commit.id, work.round.dataset, work.round.number)
    write_receipt(work, "generate", commit.id, key, about["counts"])


def _generate(work: Work, key: str, fit_key: str, *, supersede: bool) -> Commit:
    """Cut the round's branch, write the round, and commit once."""
    round_ = work.round
    base = branches.origin(work, supersede=supersede)
    made, facts = _candidates(work)
    about = {"stemma.fit_key": fit_key, "stemma.base": base}

    def produce(branch: str) -> Mapping[str, str]:
        _write(work, branch, made, facts)
        return about

    message = f"Generate {len(made)} candidates of {round_.key}"
    with attempt(work.lake, round_.branch, base) as branch:
        branches.clear(work, branch, base)
        return branches.finish(work, branch, "generate", key=key, produce=produce, message=message)


def _candidates(work: Work) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Every candidate of the round, as `candidates.make` gives them; what that took, and where."""
    round_ = work.round
    asked = candidates.Asked(
        dataset=round_.dataset,
        round=round_.number,
        seed=round_.seed,
        identity=round_.identity,
        settings=round_.settings.generate,
        directory=models.directory(round_.dataset, round_.number),
    )
    wanted = candidates.labels(asked)
    began = time.monotonic()
    parts = shards.run(candidates.cut(asked), lambda shard: candidates.make(asked, shard, wanted))
    cost = {"seconds": round(time.monotonic() - began, 3)}
    return pl.concat(parts), {"cost": cost, "environment": candidates.environment(asked)}


def _write(work: Work, branch: str, made: pl.DataFrame, facts: Mapping[str, Any]) -> None:
    """Stage candidates, lineage, generator and manifest of the round."""
    round_, lake = work.round, work.lake
    about, digest = models.generator_manifest(round_.dataset, round_.number)
    mix = mixes.read_manifest(round_)
    rows = record.derive(
        made.select("row", "sample_id", "seed", "shard"),
        round_number=round_.number,
        dataset=round_.dataset,
        generator=digest,
        attribution=ATTRIBUTION,
        mix=mix,
    )
    payload = made.select(
        pl.lit(round_.number, pl.Int32).alias("round"), "row", "sample_id", "image", "label"
    )
    lake.write(branch, refs.part(round_.dataset, "candidates", round_.number), payload)
    lake.write(branch, refs.part(round_.dataset, "lineage", round_.number), rows)
    left_out = mixes.read_left_out(round_, mix)
    if len(left_out):
        lake.write(branch, refs.part(round_.dataset, "left_out", round_.number), left_out)
    models.upload(lake, branch, round_.dataset, round_.number)
    content = {
        "dataset": round_.dataset,
        "round": round_.number,
        "previous": round_.previous,
        "line": round_.line,
        "seed": round_.seed,
        "settings": round_.settings.model_dump(mode="json"),
        "generator": about | {"digest": digest},
        "mix": mix.model_dump(mode="json"),
        "counts": {"candidates": len(made)},
        "cost": {"fit": models.cost(round_.dataset, round_.number), "generate": facts["cost"]},
        "environment": facts["environment"],
    }
    manifest.write(lake, branch, round_.dataset, round_.number, content)


def _key(work: Work, fit_key: str) -> str:
    return keys.input_key(
        "generate",
        settings=work.round.settings.generate,
        code=[path.format(generator=work.round.generator) for path in CODE],
        inputs={
            "dataset": work.round.dataset,
            "round": work.round.number,
            "line": work.round.line,
            "identity": work.round.identity,
            "seed": work.round.seed,
            "fit": fit_key,
        },
    )


if __name__ == "__main__":
    stage.run_stage(main, "supersede")
