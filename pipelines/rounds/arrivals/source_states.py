"""Which state of a source a round of real data takes, and whether the source has changed since.

Round 0 reads what `ingest.source` holds when it is first run. Each later round of real data names
its source and a digest of it. While a source stands at its newest digest, all rounds that were read
from it, in this state or in an earlier one, stay as they are.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pipelines.common import digests
from pipelines.common.errors import DataError, PipelineError, StaleError
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

    A source that is gone, or cannot be reached, is no change: what was read from it is in the lake.
    Whether round 0 still stands for its source is checked by the stage `ingest`, unless a later
    round names the source, or `ingest.pinned` or `ingest.seen` does.

    Raises:
        StaleError: the message names the command that takes the new state as a round.
    """
    for source, (settings, wanted) in newest(params, dataset).items():
        try:
            now = digest(source, settings)
        except (PipelineError, OSError):
            continue
        if now != wanted:
            raise changed(dataset, source, f"{now[:SHOWN]}, and was {wanted[:SHOWN]}")


def newest(params: Params, dataset: str) -> dict[str, tuple[Mapping[str, Any], str]]:
    """The settings and the newest digest of each source that a round of real data names.

    Where a source had nothing new for training, `ingest.seen` has the digest of that state.
    """
    ingest = params.datasets[dataset].ingest
    found: dict[str, tuple[Mapping[str, Any], str]] = {}
    if len(ingest.pinned) == 1 and registry.plugin(ingest.source) is None:
        found[ingest.source] = (ingest.settings, next(iter(ingest.pinned.values())))
    for _, entry in real_entries(params, dataset):
        section = _section(entry)
        source, own = str(section.get("source", "")), section.get("settings", {})
        found[source] = (own, str(section.get("digest", "")))
    for source, seen in ingest.seen.items():
        own = ingest.settings if same(source, ingest.source) else {}
        found[source] = (found.get(source, (own, ""))[0], seen)
    return found


def real_entries(params: Params, dataset: str) -> list[tuple[str, RoundEntry]]:
    """The entries of a data set's rounds of real data with their keys, in order."""
    named = [
        (key, entry)
        for key, entry in params.rounds.items()
        if entry.dataset == dataset and is_real(entry) and isinstance(_section(entry), Mapping)
    ]
    return sorted(named, key=lambda pair: pair[1].round)


def same(source: str, other: str) -> bool:
    """Tell whether two sources of params.yaml are one place, however it is spelled."""
    return source == other or os.path.normpath(source) == os.path.normpath(other)


def command(dataset: str, source: str) -> str:
    """Write the command that takes the new rows of a source, for a sentence."""
    return f"`stemma dataset update {dataset} {shlex.quote(source)}`"


def changed(dataset: str, source: str, how: str) -> StaleError:
    """The error of a source that is not what the newest round read."""
    return StaleError(
        f"{source} changed after it was read (its digest is {how}), and nothing was done with it; "
        f"{command(dataset, source)} takes its new rows as a round of real data "
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
