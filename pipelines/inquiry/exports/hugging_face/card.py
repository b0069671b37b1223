"""The card of an export: README.md, whose head the Hub reads and whose body people read.

Names and texts of the data are foreign: the head is written by a YAML library, and everything in
the body is escaped, so that neither ends a field nor becomes markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from lineage.splits import TRAIN
from pipelines.common.markdown import escaped, table
from pipelines.inquiry.exports.hugging_face import licences
from pipelines.inquiry.exports.hugging_face.facts import Facts
from pipelines.inquiry.exports.hugging_face.rows import Written
from pipelines.modalities.protocol import LABEL

SIZES: Final = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")
"""Ends of the Hub's ranges of rows, each ten times the one before."""
TASKS: Final[Mapping[tuple[str, bool], str]] = {
    ("image", True): "image-classification",
    ("text", True): "text-classification",
    ("text", False): "text-generation",
    ("table", True): "tabular-classification",
}
"""Tasks of the Hub by modality, and whether rows have classes."""
MODALITIES: Final = {"image": "image", "text": "text", "table": "tabular"}
FIGURES: Final = 4
"""Digits of a figure."""
LINEAGE: Final = (
    ("sample_id", "identity of the content; `stemma audit` takes it"),
    ("round, row", "place in the lake; round 0 and rounds of real data are real"),
    ("weight", "weight in the training mix"),
    ("lineage_kind", "`real`, `synthetic`, or `edited`: made of a row by changing it"),
    ("lineage_depth_mean, lineage_depth_max", "generations between the row and real data"),
    ("lineage_real_inputs", "share of real data in what the row was made of directly"),
    ("lineage_real_roots", "probability that a walk back through parents ends at real data"),
    ("lineage_parents", "rows that it was made of, with weights; the rest is the generator's"),
    ("lineage_generator", "digest of the generator"),
    ("lineage_source, lineage_licence", "of real rows"),
)


def render(facts: Facts, written: Mapping[str, Written], info: Mapping[str, Any]) -> str:
    """Write the card.

    Args:
        facts: what the lake knows of the version.
        written: what was written of each split.
        info: the section `dataset_info` of the head.
    """
    head = {**_head(facts, written), **info}
    front = yaml.safe_dump(head, sort_keys=False, allow_unicode=False, width=1_000_000)
    return "\n".join(["---", front + "---", "", *_body(facts, written), ""])


def size_category(rows: int) -> str:
    """Return the Hub's range of a number of rows."""
    low, bound = "", 1_000
    for high in SIZES:
        if rows < bound:
            return f"n<{high}" if not low else f"{low}<n<{high}"
        low, bound = high, bound * 10
    return f"n>{SIZES[-1]}"


def _head(facts: Facts, written: Mapping[str, Written]) -> dict[str, Any]:
    rows = sum(each.rows for each in written.values())
    classes = any(LABEL in (each.features or {}) for each in written.values())
    task = TASKS.get((facts.modality, classes))
    tags = ["stemma", "lineage", *(["synthetic"] if facts.synthetic else [])]
    if facts.modality in MODALITIES:
        tags.append(f"modality:{MODALITIES[facts.modality]}")
    return {
        "pretty_name": f"{facts.dataset} {facts.ref}",
        **licences.metadata(source.licence for source in facts.sources),
        "source_datasets": list(dict.fromkeys(source.name for source in facts.sources)),
        **({"task_categories": [task]} if task else {}),
        "size_categories": [size_category(rows)],
        "tags": tags,
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": f"data/{split}-*.parquet"} for split in written
                ],
            }
        ],
    }


def _body(facts: Facts, written: Mapping[str, Written]) -> Iterator[str]:
    yield f"# {escaped(facts.dataset)} {escaped(facts.ref)}"
    yield ""
    yield from _synthetic(facts, written)
    yield ""
    what = "the training mix" if TRAIN in written else "what was held out of the training mix"
    yield (
        f"This is {what} of {escaped(facts.dataset)} at {escaped(facts.ref)} (commit "
        f"`{facts.commit}`) of a lake of Stemma. The mix is the accepted rows of its rounds, each "
        f"with its lineage. Regime {escaped(facts.mix.regime)}; "
        f"{_figure(facts.mix.real_share)} of its weight is real."
    )
    yield ""
    yield from _rounds(facts)
    yield from _sources(facts)
    yield from _splits(written)
    yield from _columns()
    yield from _guard(facts)


def _synthetic(facts: Facts, written: Mapping[str, Written]) -> Iterator[str]:
    if TRAIN not in written:
        total = sum(each.rows for each in written.values())
        yield f"All {total:,} rows are real, and held out: no row of the training mix is here."
        return
    total = sum(facts.kinds.values())
    if not facts.synthetic:
        yield f"All {total:,} rows are real: no generator made one of them."
        return
    has_marks = any(each.marked for each in written.values())
    marks = "; their images carry IPTC's digital source type" if has_marks else ""
    yield (
        f"**{facts.synthetic:,} of {total:,} rows are synthetic or edited.** Column `lineage_kind` "
        f"says which{marks}. A model that learns from them learns from models."
    )


def _rounds(facts: Facts) -> Iterator[str]:
    yield "## Rounds"
    yield ""
    yield from table(
        ("round", "rows", "kinds", "generator", "guard"),
        [
            (
                str(each.number),
                f"{each.rows:,}",
                ", ".join(f"{kind} {count:,}" for kind, count in sorted(each.kinds.items())),
                each.generator or "real data",
                each.verdict or "not judged",
            )
            for each in facts.rounds
        ],
    )
    yield ""


def _sources(facts: Facts) -> Iterator[str]:
    yield "## Sources of real rows"
    yield ""
    rows = [(str(each.round), each.name, each.licence or "not stated") for each in facts.sources]
    yield from table(("round", "source", "licence"), rows)
    yield ""
    yield (
        "The licence is that of the sources. What it means for rows that a model made of them, and "
        "what the terms of that model say, is for who uses the data to judge."
    )
    yield ""


def _splits(written: Mapping[str, Written]) -> Iterator[str]:
    yield "## Splits"
    yield ""
    yield from table(
        ("split", "rows", "files"),
        [(name, f"{each.rows:,}", str(len(each.files))) for name, each in written.items()],
    )
    yield ""


def _columns() -> Iterator[str]:
    yield "## Columns beside the content"
    yield ""
    yield "| column | meaning |"
    yield "| --- | --- |"
    for name, meaning in LINEAGE:
        yield f"| {name} | {meaning} |"
    yield ""


def _guard(facts: Facts) -> Iterator[str]:
    if not facts.checks:
        return
    yield "## What the guard measured in the last round"
    yield ""
    rows = [
        (
            str(check.get("name", "")),
            _figure(check.get("value")),
            str(check.get("verdict", "")),
            str(check.get("limit", "")),
            str(check.get("evidence", "")),
        )
        for check in facts.checks
    ]
    yield from table(("check", "value", "verdict", "limit", "evidence"), rows)


def _figure(value: object) -> str:
    return f"{value:.{FIGURES}g}" if isinstance(value, int | float) else "–"
