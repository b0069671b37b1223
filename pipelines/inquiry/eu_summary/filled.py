"""The template with what the lake knows of a version; the rest is blank, with what to write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from lineage import licences
from lineage.export.asked import Model
from pipelines.inquiry.eu_summary import template
from pipelines.inquiry.eu_summary.training_content import (
    GeneratedContent,
    SourceContent,
    TrainingContent,
)

PUBLIC: Final = ("hf://", "https://", "http://")
"""Beginnings of sources that others can reach, unless they are protected."""
TOKENS: Final = ((10**9, "less than 1 billion tokens"),)
IMAGES: Final = (
    (10**6, "less than 1 million images"),
    (10**9, "1 million to 1 billion images"),
)
SHOWN: Final = 40
"""Expectations that are named."""


@dataclass(frozen=True, slots=True)
class FilledField:
    """A field, with its lines where the lake knows something, and what to add."""

    section: str
    name: str
    title: str
    known: tuple[str, ...]
    write: str
    """What to write, or to add; empty where nothing is left to say."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of a version."""

    content: TrainingContent
    fields: tuple[FilledField, ...]

    @property
    def blanks(self) -> int:
        """Number of fields of which the lake knows nothing."""
        return sum(not each.known for each in self.fields)

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values: parts, their sections, and the fields of these."""
        return {
            "template": {"version": template.VERSION, "url": template.ADDRESS},
            "dataset": self.content.dataset,
            "ref": self.content.ref,
            "commit": self.content.commit,
            "parts": [
                {
                    "number": number,
                    "title": title,
                    "sections": [
                        {
                            "number": section,
                            "title": words,
                            "fields": {
                                each.name: {
                                    "title": each.title,
                                    "known": list(each.known),
                                    "to_write": each.write or None,
                                }
                                for each in self.fields
                                if each.section == section
                            },
                        }
                        for section, (words, _) in template.SECTIONS.items()
                        if section.startswith(f"{number}.")
                    ],
                }
                for number, title in template.PARTS.items()
            ],
            "blank_fields": self.blanks,
        }


def fill(content: TrainingContent) -> Summary:
    """Fill in the template.

    Args:
        content: what the lake knows.
    """
    known = {name: tuple(lines) for name, lines in _known(content)}
    complete = _complete(content)
    fields = tuple(
        FilledField(
            section,
            name,
            field.title,
            known.get((section, name), ()),
            "" if (section, name) in complete else field.hint,
        )
        for section, (_, fields) in template.SECTIONS.items()
        for name, field in fields.items()
    )
    return Summary(content, fields)


def _complete(content: TrainingContent) -> set[tuple[str, str]]:
    """The fields to which nothing is to be added."""
    done = {("2.5", "used")}
    if content.images or content.modality == "table" or content.text_bytes < TOKENS[0][0]:
        done.add(("1.3", "modalities"))
    if not any(each.models or each.opaque for each in content.generated):
        done |= {("2.5", "models"), ("2.5", "own")}
    return done


def _known(content: TrainingContent) -> Iterator[tuple[tuple[str, str], list[str]]]:
    yield ("1.3", "modalities"), [_modality(content)]
    if content.latest:
        yield (
            ("1.3", "latest"),
            [f"{content.latest}: the newest real rows were taken into the lake"],
        )
    listed = [_source(each) for each in content.sources if each.name.startswith(PUBLIC)]
    others = [_source(each) for each in content.sources if not each.name.startswith(PUBLIC)]
    if listed:
        yield ("2.1", "listed"), listed
    if others:
        yield ("2.6", "others"), others
    yield ("2.5", "used"), [_synthetic(content)]
    models = [line for each in content.generated for line in _models(each)]
    yield ("2.5", "models"), models or ["none that the lake knows of"]
    own = [_own(each) for each in content.generated if each.learnt]
    yield ("2.5", "own"), own or ["none that the lake knows of"]
    if content.checks:
        yield ("3.2", "illegal"), [_suite(content.checks)]
    yield ("3.3", "processing"), list(_processing(content))


def _modality(content: TrainingContent) -> str:
    if content.images:
        size = next((words for most, words in IMAGES if content.images < most), "over 1 billion")
        return f"image: {content.images:,} images ({size})"
    if content.modality == "table":
        named = ", ".join(content.columns)
        return f"other (tabular): {content.rows:,} rows with the columns {named}"
    size = f"; {TOKENS[0][1]}" if content.text_bytes < TOKENS[0][0] else ""
    return f"text: {content.rows:,} samples, {content.text_bytes:,} bytes in UTF-8{size}"


def _source(source: SourceContent) -> str:
    when = f", taken in {source.taken}" if source.taken else ""
    licence = source.licence if licences.is_recorded(source.licence) else "not stated"
    return f"{source.name}: {source.rows:,} rows in the training mix, licence {licence}{when}"


def _synthetic(content: TrainingContent) -> str:
    made = content.rows - content.real
    if not made:
        return f"no: all {content.rows:,} rows are real"
    share = f"{1 - content.real_share:.1%} of the weight in training"
    return f"yes, {_medium(content)}: {made:,} of {content.rows:,} rows, {share}"


def _medium(content: TrainingContent) -> str:
    if content.images:
        return "image"
    return "tabular" if content.modality == "table" else "text"


def _models(each: GeneratedContent) -> Iterator[str]:
    for model in each.models:
        yield f"{_model(model)}: {each.rows:,} rows of round {each.round}"
    if not each.models and each.opaque:
        licence = f", licence {each.licence}" if each.licence else ""
        yield f"{each.opaque}{licence}: {each.rows:,} rows of round {each.round} ({each.kind})"


def _model(model: Model) -> str:
    served = f", which answered as {', '.join(model.served)}" if model.served else ""
    licence = f", licence {model.licence}" if model.licence else ""
    return f"{model.model}{served}{licence}"


def _own(each: GeneratedContent) -> str:
    return f"{each.kind}: {each.rows:,} rows of round {each.round}; fitted on {each.learnt}"


def _suite(checks: tuple[str, ...]) -> str:
    more = f" and {len(checks) - SHOWN:,} more" if len(checks) > SHOWN else ""
    return (
        "each generated row was judged before it was accepted, by the expectations "
        f"{', '.join(checks[:SHOWN])}{more}"
    )


def _processing(content: TrainingContent) -> Iterator[str]:
    held = {name: count for name, count in content.held_out.items() if count}
    if held:
        counts = ", ".join(f"{count:,} for {name}" for name, count in held.items())
        yield f"real rows were held out before anything else, near-duplicates together: {counts}"
    if content.personal:
        yield f"personal data in real rows: {content.personal}"
    yield (
        "each row has its lineage: its source or its generator, its parents, and its distance "
        f"from real data, in the lake at commit {content.commit}"
    )
