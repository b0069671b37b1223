"""`stemma export REF --format hf`: the training mix of a ref as a folder, and its upload."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipelines.inquiry.exports.hugging_face import hub
from pipelines.inquiry.exports.hugging_face.folder import check_target
from pipelines.inquiry.exports.registry import FORMATS
from pipelines.inquiry.training import data
from pipelines.params import load
from pipelines.rounds.context import open_lake
from review.cli.datasets import dataset_at
from review.cli.output import make_console, number, print_json, sentence


def run(
    *,
    ref: str,
    form: str,
    dataset: str | None,
    output: Path,
    splits: Sequence[str],
    push: str | None,
    public: bool,
    as_json: bool,
) -> None:
    """Write the folder, upload it where that is asked for, and say what it holds."""
    check_target(output)
    if push is not None:
        hub.check(push)
    params = load()
    lake = open_lake(params)
    name = dataset_at(lake, ref, lake.resolve(ref).id, dataset)
    version = data.open_at(lake, params, ref, name, tuple(splits))
    write_folder = FORMATS[form].write_folder
    assert write_folder is not None  # noqa: S101  for the type; the command line asks
    summary = write_folder(lake, version, output)
    address = None
    if push is not None:
        message = f"{name} {ref} (commit {version.commit[:12]})"
        address = hub.push(output, push, message, public=public)
    if as_json:
        pushed = {} if address is None else {"pushed": address}
        print_json({"folder": str(output), "format": form, **summary, **pushed})
        return
    counts = ", ".join(
        f"{number(count)} {what.replace('_', ' ')}" for what, count in summary.items()
    )
    out = make_console()
    out.print(sentence(f"wrote {output}: {counts}"), soft_wrap=True)
    if address is not None:
        who = "everybody can read it" if public else "it is private"
        out.print(sentence(f"pushed to {address}; {who}"), soft_wrap=True)
