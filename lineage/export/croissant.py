"""What a lake holds, as Croissant 1.1 (http://mlcommons.org/croissant/1.1) in JSON-LD.

Each part of a table is a file with its checksum, and a record set of its own: a round is a
partition of its table, and a reader that wants one need not open the others. Provenance is that of
the data set as a whole, in W3C PROV's terms (ingestions with their sources, generations with their
generators and mixes, verifications with their suites); the fields of lineage say the rest by row.
What the RAI vocabulary asks for is told from the manifests and from the rows.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from lineage import schema
from lineage.export import croissant_story, figures
from lineage.export.croissant_fields import Fields
from lineage.export.figures import Figures
from lineage.export.values import File, Origin, Round, Track, untracked

Json = dict[str, Any]

CONFORMS_TO: Final = (
    "http://mlcommons.org/croissant/1.1",
    "http://mlcommons.org/croissant/RAI/1.0",
)
CONTEXT: Final[Json] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""JSON-LD context of the specification, with the prefixes of PROV and ODRL."""
FORMATS: Final = {"rounds": "application/json"}
PARQUET: Final = "application/x-parquet"
"""Media type of Parquet files that readers of Croissant know."""
CONTENTS: Final = {
    "samples": "Accepted samples",
    "lineage": "Where each candidate came from",
    "verdicts": "What each expectation said of each candidate",
    "decisions": "Whether each candidate stayed, and why",
    "exchanges": "What models were asked for the candidates, and what they answered",
    "rounds": "How the round was made and judged",
}
SPDX: Final = frozenset(
    {
        *("0BSD", "AGPL-3.0-only", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0"),
        *("CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-NC-ND-4.0"),
        *("CC-BY-NC-SA-4.0", "CC-BY-ND-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CDLA-Permissive-1.0"),
        *("CDLA-Permissive-2.0", "CDLA-Sharing-1.0", "GPL-3.0-only", "GPL-3.0-or-later", "ISC"),
        *("LGPL-3.0-only", "MIT", "MPL-2.0", "ODbL-1.0", "ODC-By-1.0", "PDDL-1.0", "Unlicense"),
    }
)
"""Licences of data sets that have a page at SPDX."""
_TAG: Final = re.compile(r"-v(\d+)(?:\.(\d+))?$")


@dataclass(slots=True)
class Document:
    """A Croissant description of the rounds and files of a commit."""

    origin: Origin
    rounds: Sequence[Round]
    files: Sequence[File]
    counts: Counter[str] = field(default_factory=Counter)

    def chunks(self, track: Track = untracked) -> Iterator[str]:
        """Yield the text of the description, in one piece."""
        parts = [file for file in track(self.files, "columns") if file.columns]
        record_sets = [_record_set(file) for file in parts]
        measured = {
            name: figures.measure(rounds) for name, rounds in _by_dataset(self.rounds).items()
        }
        content = {
            "@context": CONTEXT,
            "@type": "sc:Dataset",
            "conformsTo": list(CONFORMS_TO),
            **_general(self.origin, self.rounds, measured),
            **croissant_story.provenance(self.origin, self.rounds),
            **croissant_story.responsible(self.rounds, measured),
            "distribution": [_file(self.origin, file) for file in self.files],
            "recordSet": record_sets,
        }
        self.counts["files"] = len(self.files)
        self.counts["record_sets"] = len(record_sets)
        self.counts["fields"] = sum(len(record_set["field"]) for record_set in record_sets)
        yield json.dumps(content, indent=2, ensure_ascii=False) + "\n"

    def summary(self) -> dict[str, int]:
        """Return the numbers of what was written."""
        return dict(self.counts)


def version(rounds: Sequence[Round], commit: str) -> str:
    """Return the version of what is described: its tag, if one tag covers all of it.

    `digits-v3.1` is 3.1.0. Several data sets, or a round that is not published, have no tag: their
    version is 0.0.0 and the commit.
    """
    last = max(rounds, key=lambda round_: round_.number)
    if len({round_.dataset for round_ in rounds}) == 1 and last.tag:
        match = _TAG.search(last.tag)
        if match:
            return f"{match[1]}.{match[2] or 0}.0"
    return f"0.0.0+{commit[:12]}"


def licence(name: str) -> str | Json:
    """Return the address of a licence, or a creative work of that name where it has none."""
    if name.startswith(("http://", "https://")):
        return name
    if name in SPDX:
        return f"https://spdx.org/licenses/{name}"
    return {"@type": "sc:CreativeWork", "name": name}


def _by_dataset(rounds: Sequence[Round]) -> dict[str, list[Round]]:
    by_dataset: dict[str, list[Round]] = {}
    for round_ in rounds:
        by_dataset.setdefault(round_.dataset, []).append(round_)
    return by_dataset


def _general(origin: Origin, rounds: Sequence[Round], measured: dict[str, Figures]) -> Json:
    """Build the properties of schema.org that any data set has."""
    datasets = list(measured)
    name = datasets[0] if len(datasets) == 1 else origin.repository
    number = version(rounds, origin.commit)
    licences = dict.fromkeys(
        licence_name for figures_of in measured.values() for licence_name in figures_of.licences
    )
    return {
        "name": name,
        "description": croissant_story.description(origin, measured),
        "license": [licence(licence_name) for licence_name in licences or ["not stated"]],
        "url": origin.address(f"{name}/" if len(datasets) == 1 else ""),
        "creator": {
            "@type": "sc:Organization",
            "name": f"maintainers of the lake repository {origin.repository}",
        },
        "datePublished": origin.made.isoformat(),
        "version": number,
        "citeAs": f"@misc{{{name}_{origin.commit[:12]}, title = {{{name}, version {number}}}, "
        f"year = {{{origin.made.year}}}, howpublished = {{{origin.address()}}}}}",
        "keywords": ["synthetic data", "lineage", *datasets],
        "isLiveDataset": False,
    }


def _id(file: File) -> str:
    return quote(file.path, safe="/=")


def _title(file: File) -> str:
    return f"{CONTENTS[file.table]}: round {file.round} of {file.dataset}."


def _file(origin: Origin, file: File) -> Json:
    return {
        "@type": "cr:FileObject",
        "@id": _id(file),
        "name": file.path,
        "description": _title(file),
        "contentUrl": origin.url(file.path),
        "contentSize": f"{file.size} B",
        "encodingFormat": FORMATS.get(file.table, PARQUET),
        "md5": file.md5,
    }


def _record_set(part: File) -> Json:
    """Build the record set of one file, under an id that ends without the file's own."""
    assert part.columns is not None  # noqa: S101  only parts of tables get here
    with schema.readable(part.path):
        columns, file = part.columns(), _id(part)
    name = file.removesuffix(".parquet").removesuffix("/part-00000")
    fields = Fields(name, file, part.table)
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": _title(part),
        **({"key": keys} if (keys := fields.keys(columns)) else {}),
        "field": fields.of(columns),
    }
