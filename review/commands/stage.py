"""`stemma stage`: run one stage of the pipeline, as dvc.yaml does."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pipelines.generation.shares import KeptShare
from pipelines.rounds import receipts
from pipelines.stages import runner
from review.cli.output import print_json


def run(*, name: str, key: str | None, supersede: bool, shard: str | None, as_json: bool) -> None:
    """Run the stage; with `as_json`, end with the receipt that it wrote, or with what is kept."""
    kept = runner.run(name, key, supersede=supersede, share=shard)
    if as_json and shard is not None:
        shards = asdict(kept) if isinstance(kept, KeptShare) else None
        print_json({"stage": name, "key": key, "share": shard, "shards": shards})
    elif as_json:
        print_json({"stage": name, "key": key, "receipt": _receipt(name, key)})


def _receipt(name: str, key: str | None) -> dict[str, Any] | None:
    """The receipt of a stage, where it writes one."""
    if key is None:
        return receipts.read_json(receipts.ROOT / "lake.json")
    if name in ("inputs", "report"):
        return None
    dataset, _, number = key.rpartition("-") if name in runner.OF_A_ROUND else (key, "", "0")
    receipt = receipts.read(dataset, int(number), "publish" if name == "ingest" else name)
    return receipt.model_dump(exclude_none=True)
