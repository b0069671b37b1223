"""Personal data in what a source gives: reported, replaced by its kind, or refused.

The scan is that of the scorer `personal_data` (`pipelines.features.pii`). A pattern that no finding
is without selects the texts that are worth looking at, which is most of the time that it takes. A
report looks at no more than `SAMPLE` of these, evenly spaced; what is replaced or refused is looked
for everywhere.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from pipelines.common.errors import DataError, LibraryError
from pipelines.features import pii

Policy = Literal["report", "redact", "refuse"]
SAMPLE: Final = 20_000
"""Texts of a column that a report looks at, of those that may hold something."""
REGION: Final = "US"
"""Country of phone numbers without a country code, as in the scorer."""
BLIND: Final = "names, street addresses, birthdays, and what is written out in words"
"""What has no form, and so is not found."""


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What the scan found."""

    policy: Policy
    columns: tuple[str, ...]
    """Columns of texts, which were scanned."""
    not_scanned: tuple[str, ...]
    """Columns that hold texts inside of lists or structs, which were not."""
    counts: dict[str, int]
    """Findings by kind."""
    rows: int
    """Rows with a finding."""
    share: float
    """Share of the texts worth looking at that were looked at; 1 unless a report samples."""
    missing: str | None = None
    """The library without which nothing was scanned."""

    def sentence(self) -> str:
        """Say it for a person."""
        if self.missing is not None:
            return f"personal data was not looked for: {self.missing}"
        found = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.counts.items()))
        sampled = f" in a sample of {self.share:.0%} of the texts" if self.share < 1 else ""
        what = {"redact": "replaced by its kind", "report": "kept"}.get(self.policy, "")
        told = f"{found} in {self.rows:,} rows{sampled}, {what}" if found else f"none{sampled}"
        unseen = f"; not looked at: {', '.join(self.not_scanned)}" if self.not_scanned else ""
        return f"personal data: {told} (ingest.pii: {self.policy}); not found are {BLIND}{unseen}"

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return {
            "policy": self.policy,
            "columns": list(self.columns),
            "not_scanned": list(self.not_scanned),
            "counts": dict(sorted(self.counts.items())),
            "rows": self.rows,
            "share": round(self.share, 6),
            "missing": self.missing,
            "cannot_find": BLIND,
        }


def scan(source: str, frame: pl.DataFrame, policy: Policy) -> tuple[pl.DataFrame, PersonalData]:
    """Look for personal data in the texts of a frame.

    Args:
        source: its name, for errors.
        frame: the payload of n rows.
        policy: what becomes of findings.

    Returns:
        The frame, with findings replaced by their kind in brackets if that is the policy; and what
        was found.

    Raises:
        DataError: there is personal data, and the policy is to refuse it.
        LibraryError: a library is missing, and the policy is not to report.
    """
    texts = tuple(name for name, dtype in frame.schema.items() if dtype == pl.String)
    unseen = tuple(name for name, dtype in frame.schema.items() if _holds_texts(dtype))
    counts: Counter[str] = Counter()
    marked = pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(frame))
    share = 1.0
    for name in texts:
        try:
            findings, looked_at = _findings(frame[name], None if policy != "report" else SAMPLE)
        except LibraryError as error:
            if policy != "report":
                raise
            return frame, PersonalData(policy, texts, unseen, {}, 0, 1.0, str(error))
        share = min(share, looked_at)
        rows = findings.filter(pl.col("kinds").list.len() > 0)
        counts.update(rows["kinds"].explode().to_list())
        if policy == "refuse" and len(rows):
            raise DataError(
                f"{source}: row {rows['row'][0]} holds personal data in column {name!r} "
                f"({', '.join(sorted(set(rows['kinds'][0])))}), and so do {len(rows) - 1:,} more "
                "rows of it; remove it, or set ingest.pii to redact or report"
            )
        if policy == "redact":
            changed = frame[name].scatter(rows["row"], rows["text"])
            frame = frame.with_columns(changed)
        marked = marked.scatter(rows["row"], True)
    return frame, PersonalData(policy, texts, unseen, dict(counts), int(marked.sum()), share)


def _findings(column: pl.Series, most: int | None) -> tuple[pl.DataFrame, float]:
    """Find personal data in a column: row, kinds, text with findings replaced; and the share."""
    plain = column.str.normalize("NFKC")
    suspects = plain.str.contains(pii.TRIGGER).fill_null(value=False).arg_true()
    step = 1 if most is None else max(1, -(-len(suspects) // most))
    chosen = suspects.gather_every(step)
    found = [_replaced(text) for text in plain.gather(chosen)]
    frame = pl.DataFrame(
        {
            "row": chosen,
            "kinds": pl.Series([kinds for kinds, _ in found], dtype=pl.List(pl.String)),
            "text": pl.Series([text for _, text in found], dtype=pl.String),
        }
    )
    return frame, len(chosen) / len(suspects) if len(suspects) else 1.0


def _replaced(text: str) -> tuple[list[str], str]:
    """Find the kinds of personal data in a text, and write `[kind]` in place of each."""
    findings = pii.find(text, REGION)
    for finding in reversed(findings):
        text = f"{text[: finding.start]}[{finding.kind}]{text[finding.end :]}"
    return [finding.kind for finding in findings], text


def _holds_texts(dtype: pl.DataType) -> bool:
    return dtype.is_nested() and "bytes" not in str(dtype) and "String" in str(dtype)
