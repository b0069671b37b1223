"""Look at a machine and a project: releases, extras, programs, the lake, and what is missing.

Nothing is imported that is slow, and no model, lake or service is started or asked; one program
that does nothing is run in the sandbox.
Of variables of the environment, only the names are read: their values are secrets.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final, Literal

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lake import settings
from lake.errors import LakeError
from lake.home import LakeHome
from lake.settings import Embedded
from pipelines.common.errors import SandboxError
from pipelines.sandbox import isolation
from pipelines.sandbox import run as sandbox

State = Literal["there", "missing", "off"]
"""`off` is what nobody asked for, such as a variable that is not set."""
CENTRAL: Final = (
    *("polars", "pyarrow", "dvc", "lakefs-sdk", "great_expectations"),
    *("torch", "diffusers", "openai", "scikit-learn", "pydantic"),
)
"""Libraries whose release a report of a fault needs."""
DEVELOPERS: Final = frozenset({"benchmarks", "dist", "docs", "test"})
"""Extras that no user needs."""
USES: Final[Mapping[str, str]] = {
    "code": "tests with pytest, of scorer `code`",
    "efficientnet-lite0": "a small network by which images are measured",
    "hub": "data sets of Hugging Face, read and written",
    "local-llm": "the model called `local`",
    "meaning": "likeness of texts by their meaning",
    "openlineage": "events for OpenLineage",
    "pretrained": "generator `pretrained`",
    "ray": "executor `ray`",
    "remote": "sources on S3, Hugging Face and lakeFS",
    "s3": "the S3 gateway of the embedded lake",
    "scorers": "scorers of texts",
    "simulators": "generator `simulate` with reasoning-gym",
    "spdx": "exports as SPDX",
    "sql": "`stemma sql`, and SQL on the page",
    "text": "the demonstration of dialogues, and BLEU",
    "timm": "networks of timm by which images are measured",
}
"""What each extra that a user may need is for."""
PROGRAMS: Final[Mapping[str, tuple[str, str]]] = {
    "git": ("projects: `stemma init` and DVC need it", "apt-get install git"),
    "bwrap": ("programs of the sandbox", "apt-get install bubblewrap"),
    "chromium": ("only for tests of the page", "apt-get install chromium chromium-driver"),
}
VARIABLES: Final = (
    settings.ENDPOINT,
    settings.ACCESS_KEY,
    settings.SECRET_KEY,
    settings.HOLDOUT_ACCESS_KEY,
    settings.HOLDOUT_SECRET_KEY,
    settings.HOME,
    settings.NAMESPACE,
    *("OPENAI_BASE_URL", "OPENAI_API_KEY", "HF_TOKEN", "OPENLINEAGE_URL"),
    *("STEMMA_EXECUTOR", "STEMMA_GUARD_KEY", "STEMMA_GUARD_PUBLIC_KEYS"),
)
"""Variables that change what a command does."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for."""

    area: str
    name: str
    state: State
    detail: str
    remedy: str = ""
    """The command that brings it, where it is missing."""


def examine(root: Path, env: Mapping[str, str] | None = None) -> Iterator[Finding]:
    """Look at this machine, and at the project in a folder.

    Args:
        root: the folder.
        env: variables of the environment; the process's own when None.

    Yields:
        What there is and what is missing, area by area.
    """
    env = os.environ if env is None else env
    yield from _machine(root)
    required = metadata.requires("stemma") or ()
    yield from libraries(required)
    yield from extras(required, metadata.metadata("stemma"))
    yield from _programs()
    yield _sandbox()
    yield from _project(root, env)
    yield from (
        Finding("environment", name, "there" if env.get(name) else "off", _whether(env, name))
        for name in VARIABLES
    )


def _machine(root: Path) -> Iterator[Finding]:
    yield Finding("machine", "stemma", "there", metadata.version("stemma"))
    yield Finding("machine", "Python", "there", f"{platform.python_version()}, {sys.executable}")
    system = f"{platform.system()} {platform.release()} ({platform.machine()})"
    yield Finding("machine", "system", "there", system)
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Finding("machine", "cores", "there", str(count))
    free = shutil.disk_usage(root).free
    yield Finding("machine", "free disk", "there", f"{free / 1e9:,.1f} GB at {root}")


def libraries(required: Sequence[str]) -> Iterator[Finding]:
    """Tell the releases of the central libraries, and the command that brings a missing one.

    The command names the library: the package itself need not be on any index of packages.

    Args:
        required: what the package needs, as `importlib.metadata.requires` gives it.
    """
    parsed = [Requirement(each) for each in required]
    wanted = {canonicalize_name(each.name): each for each in parsed if each.marker is None}
    for name in CENTRAL:
        try:
            yield Finding("library", name, "there", metadata.version(name))
        except metadata.PackageNotFoundError:
            remedy = f"pip install '{wanted[canonicalize_name(name)]}'"
            yield Finding("library", name, "missing", "Stemma needs it", remedy)


def extras(required: Sequence[str], about: metadata.PackageMetadata) -> Iterator[Finding]:
    """Tell of each extra of the package whether its libraries are installed.

    Args:
        required: what the package needs, as `importlib.metadata.requires` gives it.
        about: metadata of the package, with the names of its extras.
    """
    parsed = [Requirement(each) for each in required]
    for extra in sorted(set(about.get_all("Provides-Extra") or ()) - DEVELOPERS):
        lacking = sorted(_lacking(parsed, extra, frozenset()))
        use = USES.get(extra, "")
        if lacking:
            detail = f"{use}; not installed: {', '.join(lacking)}" if use else ", ".join(lacking)
            remedy = f"pip install 'stemma[{extra}]'"
            yield Finding("extra", extra, "missing", detail, remedy)
        else:
            yield Finding("extra", extra, "there", use)


def _lacking(required: Sequence[Requirement], extra: str, seen: frozenset[str]) -> Iterator[str]:
    """Yield the libraries of an extra, and of the extras it stands for, that are not installed."""
    for each in required:
        if each.marker is None or each.marker.evaluate({"extra": ""}):
            continue
        if not each.marker.evaluate({"extra": extra}):
            continue
        if canonicalize_name(each.name) == "stemma":
            for other in each.extras - seen - {extra}:
                yield from _lacking(required, other, seen | {extra})
            continue
        try:
            installed = metadata.version(each.name)
        except metadata.PackageNotFoundError:
            yield each.name
            continue
        if not each.specifier.contains(installed, prereleases=True):
            yield f"{each.name}{each.specifier} ({installed} is)"


def _programs() -> Iterator[Finding]:
    for name, (use, remedy) in PROGRAMS.items():
        place = shutil.which(name)
        if place is None:
            yield Finding("program", name, "missing", use, remedy)
        else:
            yield Finding("program", name, "there", place)


def _sandbox() -> Finding:
    """Tell whether programs that nobody trusts can be run, by running one that does nothing."""
    if shutil.which("bwrap") is None:
        detail = "scorers `code` and `maths` run nothing without bubblewrap"
        return Finding("program", "sandbox", "missing", detail, PROGRAMS["bwrap"][1])
    try:
        isolation.tools()
        sandbox.require()
    except SandboxError as error:
        remedy = "see docs/security.md, “Programs”"
        return Finding("program", "sandbox", "missing", str(error), remedy)
    return Finding("program", "sandbox", "there", "a trial program ran shut in")


def _project(root: Path, env: Mapping[str, str]) -> Iterator[Finding]:
    if not (root / "params.yaml").is_file():
        yield Finding("project", "params.yaml", "missing", f"{root} is no project", "stemma init")
        return
    yield Finding("project", "params.yaml", "there", str(root / "params.yaml"))
    try:
        where = settings.resolve(root, env)
    except LakeError as error:
        yield Finding("project", "lake", "missing", str(error), "set them, or none of them")
        return
    if isinstance(where, Embedded):
        yield _embedded(where)
        return
    detail = f"lakeFS at {settings.address(where.endpoint)}; it was not asked"
    yield Finding("project", "lake", "there", detail)


def _embedded(where: Embedded) -> Finding:
    home = LakeHome(where.home)
    if not home.catalog.exists():
        detail = f"embedded, in {where.home}; not made yet"
        return Finding("project", "lake", "off", detail, "dvc repro")
    serving = home.serving()
    now = "not served now" if serving is None else f"served at {serving.url}"
    return Finding("project", "lake", "there", f"embedded, in {where.home}; {now}")


def _whether(env: Mapping[str, str], name: str) -> str:
    return "set" if env.get(name) else "not set"
