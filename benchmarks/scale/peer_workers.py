"""The work of a round by another library; prints how many rows it kept.

    python -P benchmarks/scale/peer_workers.py datatrove 2

Imports are part of the time, as they are for whoever runs it. It is a file and no module of the
package, so that another interpreter without this project's requirements can run it. It works in
the current directory.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

SHORTEST, LONGEST = 6, 600
"""Letters that a text has."""
NGRAM = 5
"""Words that are compared, by MinHash and with held-out rows."""
AT_ONCE = 16


def datatrove(workers: int) -> int:
    """Filter `candidates/*.parquet`: length, held-out n-grams, near-duplicates.

    `held_out.parquet` has the rows that no candidate may overlap.
    """
    from datatrove.executor import LocalPipelineExecutor  # noqa: PLC0415
    from datatrove.pipeline import decont, dedup  # noqa: PLC0415
    from datatrove.pipeline.filters import LambdaFilter  # noqa: PLC0415
    from datatrove.pipeline.readers import ParquetReader  # noqa: PLC0415
    from datatrove.pipeline.writers import ParquetWriter  # noqa: PLC0415

    words = dedup.MinhashConfig(n_grams=NGRAM)
    overlap = decont.NGramsDecontConfig(n_grams=NGRAM)

    def steps(name: str, tasks: int, *pipeline: Any) -> None:  # noqa: ANN401  steps of the library
        LocalPipelineExecutor(
            pipeline=list(pipeline), tasks=tasks, workers=workers, logging_dir=f"logs/{name}"
        ).run()

    def reader(folder: str) -> Any:  # noqa: ANN401  a step of the library
        return ParquetReader(folder, glob_pattern="*.parquet", id_key="number")

    tasks = len(list(Path("candidates").glob("*.parquet")))
    _index(decont.NGramsDecontIndexer("index", config=overlap))
    steps(
        "filter",
        tasks,
        reader("candidates"),
        LambdaFilter(lambda row: SHORTEST <= len(row.text) <= LONGEST),
        decont.NGramsDecontFilter("index", config=overlap),
        ParquetWriter("filtered", output_filename="${rank}.parquet"),
    )
    steps("sign", tasks, reader("filtered"), dedup.MinhashDedupSignature("signed", config=words))
    steps(
        "buckets",
        words.num_buckets,
        dedup.MinhashDedupBuckets("signed", "buckets", config=words),
    )
    steps("cluster", 1, dedup.MinhashDedupCluster("buckets", "gone", config=words))
    steps(
        "keep",
        tasks,
        reader("filtered"),
        dedup.MinhashDedupFilter("gone"),
        ParquetWriter("kept", output_filename="${rank}.parquet"),
    )
    import pyarrow.parquet as pq  # noqa: PLC0415

    return sum(pq.read_metadata(path).num_rows for path in Path("kept").glob("*.parquet"))


def _index(indexer: Any) -> None:  # noqa: ANN401  a step of the library
    """Write the index of held-out rows by the library's hashes.

    The step itself asks lighteval for tasks besides, by a name that lighteval no longer has.
    """
    import numpy as np  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    texts = pq.read_table("held_out.parquet", columns=["text"])["text"].to_pylist()
    hashes = {each for text in texts for each in indexer.compute_hashes(text)}
    Path("index").mkdir()
    kind = indexer.config.hash_config.np_descr
    np.array(list(hashes), dtype=kind).tofile("index/held_out.index.hashes")


def data_designer(count: int) -> int:
    """Ask a service for texts, and let a check of their own say which are valid."""
    os.environ |= {"NEMO_TELEMETRY_ENABLED": "false"}
    import data_designer.config as dd  # noqa: PLC0415
    from data_designer.interface import DataDesigner  # noqa: PLC0415

    provider = dd.ModelProvider(
        name="fake", endpoint=os.environ["OPENAI_BASE_URL"], api_key="OPENAI_API_KEY"
    )
    sent = dd.ChatCompletionInferenceParams(max_tokens=256, max_parallel_requests=AT_ONCE)
    model = dd.ModelConfig(
        alias="asked",
        model="fake-1",
        provider="fake",
        inference_parameters=sent,
        skip_health_check=True,
    )
    builder = dd.DataDesignerConfigBuilder(model_configs=[model])
    labels = dd.CategorySamplerParams(values=["north", "east", "south", "west"])
    builder.add_column(dd.SamplerColumnConfig(name="label", sampler_type="category", params=labels))
    builder.add_column(
        dd.LLMStructuredColumnConfig(
            name="written",
            model_alias="asked",
            prompt="Write a text that is labelled {{ label }}.",
            output_format={
                "type": "object",
                "properties": {"text": {"type": "string", "maxLength": 300}},
                "required": ["text"],
                "additionalProperties": False,
            },
        )
    )
    builder.add_column(
        dd.ValidationColumnConfig(
            name="checked",
            target_columns=["written"],
            validator_type="local_callable",
            validator_params=dd.LocalCallableValidatorParams(validation_function=_valid),
            batch_size=1_000,
        )
    )
    designer = DataDesigner(artifact_path=Path("designed"), model_providers=[provider])
    made = designer.create(builder, num_records=count).load_dataset()
    return int(sum(bool(checked["is_valid"]) for checked in made["checked"]))


def _valid(frame: Any) -> Any:  # noqa: ANN401  a frame of pandas
    lengths = [len(written["text"]) for written in frame["written"]]
    return frame.assign(is_valid=[SHORTEST <= length <= LONGEST for length in lengths])


WAYS = (datatrove, data_designer)


def main() -> None:
    """Do the work, and print how many rows were kept."""
    parser = argparse.ArgumentParser(prog="python -P benchmarks/scale/peer_workers.py")
    parser.add_argument("library", choices=[way.__name__ for way in WAYS])
    parser.add_argument("amount", type=int, help="workers of datatrove, rows of Data Designer")
    options = parser.parse_args()
    ways = {way.__name__: way for way in WAYS}
    try:
        kept = ways[options.library](options.amount)
    except ModuleNotFoundError as error:
        print(error, file=sys.stderr)
        sys.exit(os.EX_UNAVAILABLE)
    print(f"\n{kept}")


if __name__ == "__main__":
    main()
