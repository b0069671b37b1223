"""Packages of data are fetched on request, held to a digest, and missed in words."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from experiments import __main__ as command
from experiments import known_failures, packages, page, registry, running
from experiments.experiment import Estimate, Part
from experiments.packages import Package

OURS = Package("npm", "pictures", "1.0.0", "MIT", "")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """A package of two files, whose client copies it."""
    source = tmp_path / "registry" / OURS.place.name
    source.parent.mkdir()
    with tarfile.open(source, "w:gz") as opened:
        for name in ("package/list.json", "package/img/1.png"):
            item = tarfile.TarInfo(name)
            item.size = len(name)
            opened.addfile(item, io.BytesIO(name.encode()))
    monkeypatch.setattr(packages, "FOLDER", tmp_path / "fetched")
    clients = {"npm": ("sh", "-c", f"cp {source} . && echo $0 > {tmp_path}/asked")}
    monkeypatch.setattr(packages, "CLIENTS", clients)
    return replace(OURS, sha256=hashlib.sha256(source.read_bytes()).hexdigest())


def test_a_package_is_fetched_once_and_read(package: Package, tmp_path: Path) -> None:
    assert packages.absent([package]) == [package]
    packages.fetch([package])
    assert (tmp_path / "asked").read_text() == "pictures@1.0.0\n"
    assert packages.absent([package]) == []
    assert [each.name for each in packages.FOLDER.iterdir()] == [package.place.name]
    (tmp_path / "asked").unlink()
    packages.fetch([package])
    assert not (tmp_path / "asked").exists()
    read = packages.read(package, lambda name: name.endswith(".json"))
    assert read == {"list.json": b"package/list.json"}


def test_another_archive_is_refused(package: Package) -> None:
    other = replace(package, sha256="0" * 64)
    with pytest.raises(
        SystemExit, match=r"gives another pictures 1\.0\.0 of npm than was measured on"
    ):
        packages.fetch([other])
    assert not other.place.exists()
    packages.fetch([package])
    with pytest.raises(SystemExit, match="delete it, and fetch it anew"):
        packages.read(other, lambda _: True)


def test_pip_holds_an_archive_to_its_digest_before_it_looks_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "FOLDER", tmp_path / "fetched")
    wanted = tmp_path / "wanted"
    copies = f"cat {packages.WANTED} > {wanted}; echo $0 $1 $2 >> {wanted}; echo no luck >&2; false"
    monkeypatch.setattr(packages, "CLIENTS", {"PyPI": ("sh", "-c", copies)})
    with pytest.raises(SystemExit, match="words 2 of PyPI cannot be fetched: no luck"):
        packages.fetch([Package("PyPI", "words", "2", "MIT", "ab")])
    named, given = "words==2 --hash=sha256:ab", "--require-hashes --requirement wanted.txt"
    assert wanted.read_text() == named + given + "\n"


def test_a_registry_that_is_not_reached_is_said(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    for client in (("false",), ("no-such-client",)):
        monkeypatch.setattr(packages, "CLIENTS", {"npm": client})
        with pytest.raises(SystemExit, match="cannot be fetched"):
            packages.fetch([package])


def test_an_experiment_without_its_package_is_not_run_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(packages, "FOLDER", tmp_path)
    assert command.main(["E14", "--json", "--kept", str(tmp_path / "none")]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["not_run"] == ["E14"]
    assert "E14 is not run: it reads vaderSentiment 3.3.2 of PyPI (MIT)" in said.err
    assert command.main(["E14", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["experiments"][0]["seconds"] == 0


def test_the_page_says_what_was_measured_with_a_package() -> None:
    text, known = command.PAGE.read_text(), known_failures.read()
    for name in registry.MODULES:
        about = registry.load(name)
        if about.needs:
            outcome = running.from_kept(about, 0, command.KEPT)
            assert outcome is not None, name
            assert page._section(outcome, known) in text


def test_a_short_experiment_that_needs_a_package_is_measured_again(tmp_path: Path) -> None:
    measured: list[int] = []

    def measure(seed: int) -> Part:
        measured.append(seed)
        return Part({"figure": Estimate(1.0, 0.0, 2.0)}, {"curve": [(0.0, 1.0)]})

    short = replace(
        registry.load("E9"), parts={"one": measure}, conclude=lambda _: [], needs=(OURS,)
    )
    first = running.run(short, 0, tmp_path)
    running.run(short, 0, tmp_path)
    assert len(measured) == 2
    kept = running.from_kept(short, 0, tmp_path)
    assert kept is not None
    assert kept.parts == first.parts
    running.run(replace(short, needs=()), 0, tmp_path / "none")
    assert not (tmp_path / "none").exists()
