"""A Croissant description as a source: tables, checksums that are verified, and their licence.

What is read of the format (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html): file
objects and file sets that are tables beside the description or at an address, and record sets whose
fields are columns of these. A record set is named behind `#` (`data/croissant.json#mails`) where
there are several. What else a description can ask for (archives, transforms, joins, inline data) is
refused by name, and never passed over.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import polars as pl

from lake import documents, files
from lake.documents import DocumentError
from lineage.export import use_policy
from pipelines.common import digests
from pipelines.common.errors import DataError
from pipelines.sources import tables
from pipelines.sources.account import Account
from pipelines.sources.remote import fetch, listing

STANDARD: Final = "mlcommons.org/croissant"
CONDITIONS: Final = (
    "usageInfo", "conditionsOfAccess", "dataUseCases", "personalSensitiveInformation",
    "dataSocialImpact", "dataLimitations", "isLiveDataset",
)  # fmt: skip
"""What a description says about use; each is carried over as a sentence."""
SUFFIXES: Final = (".json", ".jsonld")
MOST_NOTE: Final = 400
MOST_POLICY: Final = 8000
MOST_NAME: Final = 60
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Described:
    """The rows that a description describes."""

    frame: pl.DataFrame
    name: str
    licence: str | None
    account: Account


def is_description(source: str) -> bool:
    """Tell whether a source is a Croissant description on disk."""
    path = Path(source.partition("#")[0])
    if path.suffix.lower() not in SUFFIXES or not files.is_regular(path):
        return False
    try:
        with files.open_regular(path) as file:
            if STANDARD.encode() not in file.read(1 << 16):
                return False
        content = documents.read_json(path, strict=False)
    except (OSError, DocumentError, ValueError):
        return False
    return isinstance(content, dict) and STANDARD in str(_plain(content).get("conformsTo"))


def paths(source: str) -> tuple[Path, ...]:
    """List the description and the files beside it that it names, for digests.

    Raises:
        DataError: it names a file that is not beside it.
    """
    place = Path(source.partition("#")[0])
    found = [place]
    for item in _items(_read(place).get("distribution")):
        if not listing.is_remote(str(item.get("contentUrl", ""))):
            found += _beside(place, item).values()
    return tuple(dict.fromkeys(found))


def read(source: str, *, typed_csv: bool) -> Described:
    """Read the rows of a description.

    Args:
        source: its path, and behind `#` the record set if there are several.
        typed_csv: as for `tables.read`.

    Raises:
        DataError: a checksum is another one, or the description asks for what is not read.
    """
    location, _, wanted = source.partition("#")
    place = Path(location)
    content = _read(place)
    distribution = {str(item.get("@id")): item for item in _items(content.get("distribution"))}
    record_set = _record_set(source, content, wanted)
    columns, used = _fields(source, record_set, distribution)
    named: dict[str, Path] = {}
    notes: list[str] = []
    for identifier in used:
        found, said = _verified(place, distribution[identifier])
        named |= found
        notes += said
    if not named:
        raise DataError(f"{source} describes no file")
    frame, account = tables.read_all(source, named, typed_csv=typed_csv)
    lacking = next((column for column in columns.values() if column not in frame.columns), None)
    if lacking is not None:
        raise DataError(
            f"{source} names column {lacking!r}, which {', '.join(named)} does not have"
        )
    if columns:
        frame = frame.select(pl.col(column).alias(name) for name, column in columns.items())
    title = str(content.get("name") or place.stem)
    conditions = tuple(_conditions(content))
    about = (f"its description says about {name}: {text}" for name, text in conditions)
    policy, cut = _policy(place)
    structured = (*policy, *_origin(place, content))
    told = Account(notes=(*about, *cut, *notes), conditions=(*conditions, *structured))
    return Described(frame, str(content.get("url") or title), _licence(content), account + told)


def _read(place: Path) -> dict[str, Any]:
    try:
        content = documents.read_json(place, strict=False)
    except (OSError, DocumentError) as error:
        raise DataError(f"{place} cannot be read as a Croissant description: {error}") from error
    if not isinstance(content, dict):
        raise DataError(f"{place} is no Croissant description")
    return {str(name): value for name, value in _plain(content).items()}


def _plain(value: Any, depth: int = 0) -> Any:  # noqa: ANN401  of JSON
    """Take the prefixes of vocabularies from names, such as `cr:` and `rai:`."""
    if isinstance(value, dict) and depth < documents.MAX_DEPTH:
        return {
            str(name).rpartition(":")[2]: _plain(each, depth + 1) for name, each in value.items()
        }
    if isinstance(value, list):
        return [_plain(each, depth + 1) for each in value]
    return value


def _items(value: object) -> list[Json]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def _record_set(source: str, content: Json, wanted: str) -> Json | None:
    """Find the record set that is read; None if the description has none."""
    sets = [item for item in _items(content.get("recordSet")) if "data" not in item]
    names = [str(item.get("@id") or item.get("name")) for item in sets]
    if wanted or len(sets) > 1:
        if wanted not in names:
            raise DataError(
                f"{source}: name one of its record sets behind '#': {', '.join(names) or 'none'}"
            )
        return sets[names.index(wanted)]
    return sets[0] if sets else None


def _fields(
    source: str, record_set: Json | None, distribution: Mapping[str, Json]
) -> tuple[dict[str, str], list[str]]:
    """List the columns of a record set by name, and the ids of the files that they are from."""
    if record_set is None:
        return {}, list(distribution)
    columns, used = {}, []
    for field in _items(record_set.get("field")):
        identifier = str(field.get("name") or field.get("@id"))
        name = identifier.rpartition("/")[2]
        origin = field.get("source")
        extract = origin.get("extract") if isinstance(origin, dict) else None
        column = extract.get("column") if isinstance(extract, dict) else None
        other = sorted({*field} & {"references", "subField", "repeated"}) + sorted(
            {*(origin if isinstance(origin, dict) else {})} & {"transform", "format"}
        )
        if not isinstance(origin, dict) or column is None or other:
            asked = ", ".join(other) or "something else than a column"
            raise DataError(
                f"{source}: field {identifier!r} asks for {asked}, which is not read; write a "
                "source of your own with load() (docs/plugins.md)"
            )
        columns[name] = str(column)
        used.append(_reference(origin))
    unknown = next((each for each in used if each not in distribution), None)
    if unknown is not None or len({*used}) != 1:
        raise DataError(
            f"{source}: a record set is read from one file or file set, and this one names "
            f"{', '.join(sorted({*used})) or 'none'}"
        )
    return columns, used[:1]


def _reference(origin: Json) -> str:
    for name in ("fileObject", "fileSet", "distribution"):
        value = origin.get(name)
        if value is not None:
            return str(value.get("@id") if isinstance(value, dict) else value)
    return ""


def _verified(place: Path, item: Json) -> tuple[dict[str, Path], list[str]]:
    """Find the files of an item of the distribution, and compare them with its checksum."""
    address = str(item.get("contentUrl", ""))
    found = {address: fetch.local(address)} if listing.is_remote(address) else _beside(place, item)
    algorithm = next((name for name in ("sha256", "md5") if item.get(name)), None)
    if algorithm is None:
        return found, [f"{place} gives no checksum of {item.get('@id')}, so none was verified"]
    for name, path in found.items():
        with files.open_regular(path) as file:
            digest = hashlib.file_digest(file, algorithm).hexdigest()
        if digest != str(item[algorithm]).lower():
            raise DataError(
                f"{name} has {algorithm} {digest}, and {place} says {item[algorithm]}; fetch it "
                "again, or correct the description"
            )
    return found, []


def _beside(place: Path, item: Json) -> dict[str, Path]:
    """Find the files of an item that lie beside the description."""
    root = place.parent.resolve()
    kind = str(item.get("@type", "")).rpartition(":")[2]
    if item.get("containedIn") or kind not in ("FileObject", "FileSet"):
        raise DataError(
            f"{place}: {item.get('@id')} is inside of an archive or a repository, which is not "
            "opened; unpack it beside the description, and describe its files"
        )
    names = list(_included(root, item)) if kind == "FileSet" else [str(item.get("contentUrl"))]
    found = {name: _resolved(place, root / name) for name in names}
    outside = next((name for name, path in found.items() if not path.is_relative_to(root)), None)
    if outside is not None or not found:
        raise DataError(
            f"{place}: {outside or item.get('@id')} names no file beside the description"
        )
    missing = next((name for name, path in found.items() if not files.is_regular(path)), None)
    if missing is not None:
        raise DataError(f"{place} names {missing}, which is not there")
    return found


def _resolved(place: Path, path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links is the last
        shown = ascii(path.name[:MOST_NAME])
        raise DataError(f"{place} names {shown}, which no file is called") from error


def _included(root: Path, item: Json) -> Iterator[str]:
    patterns = item.get("includes")
    wanted: Sequence[object] = patterns if isinstance(patterns, list) else [patterns]
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and any(fnmatchcase(name, str(each)) for each in wanted):
            yield name


def _licence(content: Json) -> str | None:
    """The licence as one text: a name, an address, or several."""
    given = content.get("license")
    parts = given if isinstance(given, list) else [given]
    named = (
        part.get("name") or part.get("@id") or part.get("url") if isinstance(part, dict) else part
        for part in parts
    )
    return ", ".join(str(part) for part in named if part) or None


def _conditions(content: Json) -> Iterator[tuple[str, str]]:
    for name in CONDITIONS:
        if content.get(name):
            yield name, re.sub(r"\s+", " ", str(content[name]))[:MOST_NOTE]


def _policy(place: Path) -> tuple[list[tuple[str, str]], list[str]]:
    """What the description says about use in terms of ODRL or DUO, as JSON.

    Returns:
        The condition, if there is one, and what is left out of it, as notes.
    """
    whole = documents.read_json(place, strict=False)
    given = whole.get("usageInfo", whole.get("sc:usageInfo"))
    left_out: Counter[str] = Counter()
    policies = use_policy.carried(given, whole.get("@context"), left_out)
    text = json.dumps(policies)
    if policies and len(text) > MOST_POLICY:
        return [], [f"its usageInfo has {len(text):,} characters; conditions of use are left out"]
    counted = [f"{count:,} {what}" for what, count in sorted(left_out.items())]
    notes = [f"{' and '.join(counted)} of its usageInfo are left out, which is too large"]
    return [(use_policy.POLICY, text)] if policies else [], notes if counted else []


def _origin(place: Path, content: Json) -> Iterator[tuple[str, str]]:
    """The description itself, as what the rows are derived from: its address and SHA-256."""
    address = content.get("url")
    origin = {"sha256": digests.of_file(place)}
    if isinstance(address, str) and use_policy.ADDRESS.match(address):
        origin["url"] = address
    yield use_policy.DESCRIPTION, json.dumps(origin)
