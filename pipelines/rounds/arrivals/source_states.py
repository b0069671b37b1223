"""Which state of a source a round of real data takes, and whether the source has changed since.

Round 0 reads what `ingest.source` holds when it is first run. Each later round of real data names
its source and a digest of it. While a source stands at its newest digest, all rounds that were read
from it, in this state or in an earlier one, stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pipelines.common import digests
from pipelines.common.errors import DataError, StaleError
from pipelines.generators import real
from pipelines.generators.real import RealGenerate
from pipelines.params import Dataset, Params, Round, RoundEntry
from pipelines.rounds import file_digests
from pipelines.sources import registry

SHOWN: Final = 12
"""Hex digits of a digest in a sentence."""


def is_real(round_: Round | RoundEntry) -> bool:
    """Tell whether a round after round 0 brings real rows."""
    return round_.generator == real.NAME


def of_round(round_: Round) -> RealGenerate:
    """The settings of a round of real data."""
    settings = round_.settings.generate.of(real.NAME)
    assert isinstance(settings, RealGenerate)  # noqa: S101  the registry's class of this name
    return settings


def of_files(paths: Iterable[Path], *, junk: bool = False) -> dict[str, str]:
    """Compute the digests of files, by path.

    Args:
        paths: of files and folders.
        junk: count what a system leaves behind in folders, as releases before 0.3 did.

    Raises:
        DataError: a file is missing.
        OSError: a file cannot be read.
    """
    found = {}
    for path in paths:
        try:
            found[str(path)] = file_digests.of_path(path, junk=junk)
        except FileNotFoundError as error:
            missing = error.filename or path
            raise DataError(f"{missing} is missing; params.yaml names {path}") from error
    return found


def files(source: str, settings: Mapping[str, Any], *, junk: bool = False) -> dict[str, str]:
    """Compute the digests of what a source holds now, by path or address; arguments as `of_files`.

    Raises:
        DataError: a file is missing, or the source cannot be read.
    """
    return of_files(registry.files(source, settings), junk=junk) | registry.remote_digests(source)


def digest(source: str, settings: Mapping[str, Any]) -> str:
    """Digest what a source holds now.

    Returns:
        The SHA-256 of its only file, or one of all its files; of a source without files, one of its
        name, version and settings: 64 hex digits.

    Raises:
        DataError: as `files`.
    """
    found = files(source, settings)
    if len(found) == 1:
        return next(iter(found.values()))
    versions = {} if found else registry.versions(source)
    return digests.of_json({"files": found, "versions": versions, "settings": dict(settings)})


def check(params: Params, dataset: str) -> None:
    """Refuse a source that changed after the newest round that was read from it.

    A source that is gone is no change: what was read from it is in the lake. Whether round 0 still
    stands for its source is checked by the stage `ingest`, unless a later round names the source.

    Raises:
        StaleError: the message names the command that takes the new state as a round.
    """
    for source, (settings, wanted) in newest(params, dataset).items():
        try:
            now = digest(source, settings)
        except DataError:
            continue
        if now != wanted:
            raise changed(dataset, source, f"{now[:SHOWN]}, and was {wanted[:SHOWN]}")


def newest(params: Params, dataset: str) -> dict[str, tuple[Mapping[str, Any], str]]:
    """The settings and the newest digest of each source that a round of real data names."""
    rounds = [
        entry
        for entry in params.rounds.values()
        if entry.dataset == dataset and is_real(entry) and isinstance(_section(entry), Mapping)
    ]
    found = {}
    for entry in sorted(rounds, key=lambda entry: entry.round):
        section = _section(entry)
        source, own = str(section.get("source", "")), section.get("settings", {})
        found[source] = (own, str(section.get("digest", "")))
    return found


def changed(dataset: str, source: str, how: str) -> StaleError:
    """The error of a source that is not what the newest round read."""
    return StaleError(
        f"{source} changed after it was read (its digest is {how}), and nothing was done with it; "
        f"`stemma dataset update {dataset} {source}` takes its new rows as a round of real data "
        "beside the published rounds, or restore the source"
    )


def held_against(settings: Dataset) -> dict[str, str] | None:
    """The files of the source of round 0 where they are another state of it; None if not.

    Where `ingest.pinned` states no files, any state is the right one.

    Raises:
        DataError: as `files`.
    """
    ingest = settings.ingest
    if not ingest.pinned:
        return None
    now = files(ingest.source, ingest.settings)
    return None if now == dict(ingest.pinned) else now


def _section(entry: RoundEntry) -> Any:  # noqa: ANN401  whatever params.yaml holds
    return entry.generate.get(real.NAME, {})
