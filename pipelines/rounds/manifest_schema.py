"""The schema of a round's manifest: types of all values that are read from it.

Anybody with write access to a lake can write manifests. So a manifest is validated against these
types when it is read; other values stay as they are. A missing section is no error of the manifest,
because the round may not have reached that stage; reading it raises an error (`Section`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from lake.visible import shorten
from pipelines.common.errors import DataError

LARGEST: Final = 1 << 63


class MissingError(DataError, KeyError):
    """A manifest lacks a section or a value that is read from it."""

    def __str__(self) -> str:
        """The message without the quotes that `KeyError` would add."""
        return shorten(str(self.args[0]))


class Section(dict[str, Any]):
    """A manifest or a section of it; reading a missing key raises `MissingError`."""

    where: str

    @classmethod
    def of(cls, content: Mapping[str, Any], where: str) -> Section:
        """Convert a mapping and all mappings nested in it.

        Args:
            content: the manifest or section as it was read.
            where: what it is, for error messages.
        """
        section = cls(
            (name, cls.of(value, f"{where}: {name}") if isinstance(value, dict) else value)
            for name, value in content.items()
        )
        section.where = where
        return section

    def __missing__(self, name: str) -> Any:  # noqa: ANN401  it never returns
        """Raise an error that names the missing key.

        Raises:
            MissingError: always.
        """
        raise MissingError(f"{self.where} has no {name!r}: the stage that writes it did not")


def fits(value: object) -> bool:
    """Tell whether all integers of a JSON value, which must not be nested deeply, fit 64 bits."""
    if isinstance(value, dict):
        return all(map(fits, value.values()))
    if isinstance(value, list):
        return all(map(fits, value))
    return not isinstance(value, int) or -LARGEST <= value <= LARGEST


class _Part(BaseModel):
    """A part with types for the values that are read; other values may be of any type."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, defer_build=True)


class _Generator(_Part):
    digest: str = ""
    kind: str = ""
    maker: str | None = None


class _MixRound(_Part):
    round: int = 0
    rows: int = 0


class _Mix(_Part):
    digest: str = ""
    dataset: str = ""
    commit: str = ""
    regime: str = ""
    real_share: float = 0.0
    rounds: list[_MixRound] = []


class _Page(_Part):
    path: str = ""
    sha256: str = ""


class _Expectation(_Part):
    severity: str = ""
    level: str = ""
    passed: int = 0
    failed: int = 0
    unknown: int = 0


class _Verdicts(_Part):
    suite: str = ""
    counts: dict[str, int] = {}
    pages: dict[str, _Page] = {}
    expectations: dict[str, _Expectation] = {}


class _Metrics(_Part):
    summary: dict[str, float | None] = {}


class _Check(_Part):
    name: str = ""
    verdict: str = ""
    value: float | None = None
    limit: str = ""
    evidence: str = ""


class _Guard(_Part):
    verdict: str = ""
    checks: list[_Check] = []


class _Leaks(_Part):
    near: float = 0.0
    holdout: str = ""
    holdout_digest: str | None = None


class _Holdout(_Part):
    input_key: str = ""
    digest: str | None = None
    tables: dict[str, str] = {}


class _Payload(_Part):
    rows: int = 0
    digest: str = ""


class _Arrivals(_Part):
    digest: str = ""
    rows: dict[str, int] = {}
    held_out: _Payload | None = None


class _Curation(_Part):
    max_accepted: int | None = None
    surplus: bool = False
    denied: list[int] = []
    edited: int = 0
    reviewed: dict[str, int] = {}
    final: list[str] = []


class _Failed(_Part):
    why: str = ""
    rows: int = 0


class _Slots(_Part):
    planned: int = 0
    lost: int = 0
    never_asked: int = 0
    failed: list[_Failed] = []


class _Paid(_Part):
    dollars: float | None = None


class _Cost(_Part):
    generate: _Paid = _Paid()


class Manifest(_Part):
    """All sections of a manifest; a value is None where a stage could not determine it."""

    dataset: str = ""
    round: int = 0
    seed: int = 0
    source: str | None = None
    licence: str | None = None
    modality: str = ""
    identity: list[str] = []
    payload: _Payload | None = None
    """Digest of the payload of real data (`lineage.payload`); decisions state it of others."""
    curation: _Curation | None = None
    arrivals: _Arrivals | None = None
    """What a later round of real data took from its source; None in all other rounds."""
    settings: dict[str, Any] = {}
    generator: _Generator | None = None
    slots: _Slots | None = None
    """What became of the rows that were planned (`generators/slots.py`)."""
    mix: _Mix | None = None
    next_mix: _Mix | None = None
    environment: dict[str, Any] = {}
    counts: dict[str, int] = {}
    cost: _Cost = _Cost()
    verdicts: _Verdicts = _Verdicts()
    metrics: _Metrics = _Metrics()
    leaks: _Leaks = _Leaks()
    holdout: _Holdout = _Holdout()
    guard: _Guard | None = None
