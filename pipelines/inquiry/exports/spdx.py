"""A data set as SPDX 3.0.1 describes it: the dataset profile, in JSON-LD.

Each data set of a ref is a `DatasetPackage` with its files, and each source of its real rows is one
from which it descends. The licence is that of the real rows; rows of one that SPDX does not list,
or that nobody named, get a reference of their own. The classes of SPDX's own library refuse what
its model does not allow: a missing property, a value of another type.

An element is named by its lakeFS address, and the time of creation is that of the commit, so a
document of a commit is the same each time.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Final
from urllib.parse import quote

import polars as pl
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from lake.client import Lake
from lake.visible import visible
from lineage import licences
from lineage.export.values import File, Origin, Round, Track, sound
from pipelines.common.optional import library
from pipelines.inquiry import lineage_export
from pipelines.inquiry.lineage_export import Holding

EXTRA: Final = "spdx"
VERSION: Final = "3.0.1"
SAMPLES: Final = "samples"
PROFILES: Final = ("core", "software", "dataset", "simpleLicensing")
TYPES: Final = {"image": "image", "text": "text", "table": "structured"}
"""Types of data in SPDX, by modality."""
UNNAMED: Final = "LicenseRef-stemma-not-recorded"
DIGITS: Final = 8
"""Hex digits of the digest of a licence that SPDX does not list."""


@dataclass(frozen=True, slots=True)
class SpdxDocument:
    """A document about what a ref holds."""

    origin: Origin
    rounds: tuple[Round, ...]
    files: tuple[File, ...]
    counted: dict[str, int] = field(default_factory=dict)

    def chunks(self, track: Track, /) -> Iterable[str]:
        """Yield the document as JSON-LD; `track` reports progress over data sets."""
        model = library("spdx_python_model.bindings.v3_0_1", "SPDX documents", extra=EXTRA)
        elements = list(self._elements(model, track))
        out = io.BytesIO()
        model.JSONLDSerializer().write(model.SHACLObjectSet(elements), out, indent=1)
        for element in elements:
            kind = type(element).__name__.rpartition("_")[2]
            self.counted[kind] = self.counted.get(kind, 0) + 1
        yield out.getvalue().decode() + "\n"

    def summary(self) -> dict[str, int]:
        """Number of elements by class, after they were written."""
        return dict(sorted(self.counted.items()))

    def _elements(self, model: Any, track: Track) -> Iterator[Any]:  # noqa: ANN401  its classes
        about = model.CreationInfo(specVersion=VERSION, created=self.origin.made)
        agent = model.SoftwareAgent(
            spdxId="urn:stemma:software", name=f"stemma {metadata.version('stemma')}"
        )
        agent.creationInfo = about
        about.createdBy.append(agent)
        yield agent
        document = model.SpdxDocument(spdxId=self.origin.address("#spdx"), creationInfo=about)
        document.name = sound(f"{self.origin.repository} at {self.origin.commit}")
        profiles = [getattr(model.ProfileIdentifierType, name) for name in PROFILES]
        document.profileConformance.extend(profiles)
        for dataset in track(sorted({each.dataset for each in self.rounds}), "data sets"):
            described = _Described(model, about, agent, self, dataset)
            package = described.package()
            document.rootElement.append(package)
            yield package
            yield from described.contents(package)
            yield from described.descent(package)
        yield document


@dataclass(frozen=True, slots=True)
class _Described:
    """Elements about one data set."""

    model: Any
    about: Any
    agent: Any
    document: SpdxDocument
    dataset: str

    @property
    def rounds(self) -> list[Round]:
        return [each for each in self.document.rounds if each.dataset == self.dataset]

    @property
    def files(self) -> list[File]:
        return [
            each
            for each in self.document.files
            if each.dataset == self.dataset and each.table == SAMPLES
        ]

    def package(self) -> Any:  # noqa: ANN401  a class of the library
        """The data set: version, type, size, and how its rows came about."""
        origin, tags = self.document.origin, [each.tag for each in self.rounds if each.tag]
        package = self._new("dataset_DatasetPackage", origin.address(f"{self.dataset}/"))
        package.name = self.dataset
        package.software_packageVersion = tags[-1] if tags else origin.commit
        package.software_downloadLocation = origin.address(f"{self.dataset}/")
        package.software_primaryPurpose = self.model.software_SoftwarePurpose.data
        package.releaseTime = package.builtTime = origin.made
        package.originatedBy.append(self.agent)
        package.dataset_datasetType.append(self._type())
        package.dataset_datasetSize = sum(each.size for each in self.files)
        package.dataset_dataCollectionProcess = self._process()
        return package

    def contents(self, package: Any) -> Iterator[Any]:  # noqa: ANN401  a class of the library
        """The files with the rows, by the MD5 that the lake gives."""
        parts = []
        for each in self.files:
            part = self._new("software_File", self.document.origin.address(quote(each.path)))
            part.name = each.path
            part.contentType = "application/vnd.apache.parquet"
            part.software_primaryPurpose = self.model.software_SoftwarePurpose.data
            algorithm = self.model.HashAlgorithm.md5
            part.verifiedUsing.append(self.model.Hash(algorithm=algorithm, hashValue=each.md5))
            parts.append(part)
        yield from parts
        if parts:
            yield self._relation(package, "contains", parts)

    def descent(self, package: Any) -> Iterator[Any]:  # noqa: ANN401  a class of the library
        """The sources of the real rows, and their licences."""
        found = self._real()
        for number, source in enumerate(sorted({name for name, _ in found})):
            element = self._new("dataset_DatasetPackage", f"{package.spdxId}#source-{number}")
            element.name = source
            element.dataset_datasetType.append(self._type())
            yield element
            yield self._relation(package, "descendantOf", [element], f"-{number}")
        licences = sorted({licence for _, licence in found})
        if licences:
            element = self._new("simplelicensing_LicenseExpression", f"{package.spdxId}#licence")
            element.simplelicensing_licenseExpression = " AND ".join(licences)
            yield element
            yield self._relation(package, "hasDeclaredLicense", [element])

    def _real(self) -> Mapping[tuple[str, str], int]:
        """Number of real rows by source and licence expression."""
        frames = [
            each.rows().filter(pl.col("kind") == "real").select("source", "licence")
            for each in self.rounds
        ]
        counted = pl.concat(frames).group_by("source", "licence").len().collect()
        found: Counter[tuple[str, str]] = Counter()
        for source, licence, count in counted.iter_rows():
            found[visible(source or "not recorded"), expression(licence)] += count
        return found

    def _process(self) -> str:
        """How many rows are real, and which generators made how many others."""
        real = sum(self._real().values())
        made = [
            f"{each.value('counts', 'accepted') or 0:,} by {each.text('generator', 'kind')} in "
            f"round {each.number}"
            for each in self.rounds
            if each.text("generator", "kind")
        ]
        synthetic = f"; synthetic rows: {', '.join(made)}" if made else ""
        return visible(f"{real:,} real rows were read from sources{synthetic}")

    def _type(self) -> Any:  # noqa: ANN401  a value of the library
        modality = next((found for each in self.rounds if (found := each.text("modality"))), "")
        return getattr(self.model.dataset_DatasetType, TYPES.get(modality, "other"))

    def _new(self, kind: str, name: str) -> Any:  # noqa: ANN401  a class of the library
        return getattr(self.model, kind)(spdxId=name, creationInfo=self.about)

    def _relation(self, package: Any, kind: str, to: list[Any], suffix: str = "") -> Any:  # noqa: ANN401
        relation = self._new("Relationship", f"{package.spdxId}#{kind}{suffix}")
        relation.from_ = package
        relation.relationshipType = getattr(self.model.RelationshipType, kind)
        relation.to.extend(to)
        return relation


def compose(lake: Lake, held: Holding) -> SpdxDocument:
    """Prepare the document about what a ref holds."""
    rounds = tuple(lineage_export.rounds(lake, held))
    return SpdxDocument(held.origin, rounds, tuple(lineage_export.files(lake, held)))


def expression(licence: str | None) -> str:
    """A licence as SPDX writes it; one that it does not list becomes a reference.

    A reference ends in the first digits of the SHA-256 of the licence's text, since two texts can
    have the same letters and digits.

    >>> expression("cc-by-4.0"), expression("our own terms"), expression("unknown")
    ('CC-BY-4.0', 'LicenseRef-stemma-our-own-terms-9ffcaaf6', 'LicenseRef-stemma-not-recorded')
    """
    if licence is None or not licences.is_recorded(licence):
        return UNNAMED
    try:
        found = str(canonicalize_license_expression(licence))
    except InvalidLicenseExpression:
        letters = re.sub(r"[^A-Za-z0-9.-]+", "-", licence).strip("-")
        digest = hashlib.sha256(licence.encode()).hexdigest()[:DIGITS]
        return f"LicenseRef-stemma-{letters or 'other'}-{digest}"
    return f"({found})" if " " in found else found
