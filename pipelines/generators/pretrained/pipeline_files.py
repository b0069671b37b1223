"""The files of a pipeline that others trained: found, looked at, and named by their digest.

They are foreign and hostile: weights are read as safetensors only, nothing in a folder is run, and
a pipeline may name classes of diffusers and transformers alone. From the Hub come only files of
the kinds that are read, so neither code nor pickles are fetched.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from lake import documents
from lake.documents import DocumentError
from lake.visible import visible
from pipelines.common import digests
from pipelines.common.errors import GeneratorError

INDEX: Final = "model_index.json"
CARD: Final = "README.md"
READ: Final = (".json", ".txt", ".model", ".jinja", ".safetensors")
"""Kinds of files that are read."""
PICKLES: Final = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle", ".msgpack", ".h5")
MOST_INDEX: Final = 1 << 20
MOST_CARD: Final = 1 << 16
MOST_FILES: Final = 4096
CONFIGURATION: Final = "config.json"
KERNELS: Final = ("attn_implementation", "experts_implementation")
"""How keys of a configuration end that may name compiled code of the Hub, as `owner/name`."""
LIBRARIES: Final = ("diffusers", "transformers")


@dataclass(frozen=True, slots=True)
class PipelineFiles:
    """A pipeline that was looked at."""

    folder: Path
    model: str
    """As settings name it."""
    revision: str | None
    """Commit at the Hub; None: a folder of this machine."""
    digest: str
    """SHA-256 of the paths and contents of what is read."""
    licence: str | None
    """As the card says."""


def find(model: str, revision: str | None) -> PipelineFiles:
    """Find a pipeline, and refuse what cannot be trusted.

    Args:
        model: a folder, or a name at the Hub.
        revision: at the Hub.

    Raises:
        GeneratorError: there is none, or it holds code, pickles or classes that are not known.
    """
    if not model:
        raise GeneratorError(
            "fit.pretrained.model is missing; name a folder of a diffusers pipeline, or one at the "
            "Hugging Face Hub"
        )
    local = Path(model)
    folder = local if local.is_dir() else _fetched(model, revision)
    files = list(_files(folder))
    _check(folder, files)
    commit = None if local.is_dir() else folder.name
    return PipelineFiles(folder, model, commit, _digest(folder, files), _licence(folder))


def _fetched(model: str, revision: str | None) -> Path:
    """Return the folder of a pipeline in the cache of the Hub, where it is fetched to.

    Raises:
        GeneratorError: it is not there and cannot be fetched.
    """
    from huggingface_hub import snapshot_download  # noqa: PLC0415  slow to import

    kinds = [f"*{kind}" for kind in READ] + [CARD]
    try:
        return Path(snapshot_download(model, revision=revision, allow_patterns=kinds))
    except Exception as error:  # a library of many errors, each of which says that there is none
        raise GeneratorError(
            f"there is no folder {visible(model)}, and the Hugging Face Hub gives no such pipeline "
            f"({type(error).__name__}); name a folder, or fetch it where there is a network"
        ) from error


def _files(folder: Path) -> Iterator[Path]:
    """List the files of a pipeline, in order; a link to a folder would hide what lies there.

    Raises:
        GeneratorError: there are too many, or there is such a link.
    """
    found = list(itertools.islice(folder.rglob("*"), MOST_FILES + 1))
    if len(found) > MOST_FILES:
        raise GeneratorError(f"{visible(str(folder))} holds more than {MOST_FILES:,} files")
    for path in sorted(found):
        if path.is_symlink() and path.is_dir():
            raise GeneratorError(
                f"{visible(str(path))} is a link to a folder, which is not followed; copy the "
                "folder itself there"
            )
        if path.is_file():
            yield path


def _check(folder: Path, files: list[Path]) -> None:
    """Refuse code, pickles without safetensors beside them, and what names code from elsewhere.

    Raises:
        GeneratorError: there is one.
    """
    code = next((each for each in files if each.suffix.lower() == ".py"), None)
    if code is not None:
        raise GeneratorError(
            f"{visible(str(code))} is code of a custom pipeline, which is not run; use a pipeline "
            "of diffusers' own classes"
        )
    safe = {each.parent for each in files if each.suffix == ".safetensors"}
    for each in files:
        if each.suffix.lower() in PICKLES and each.parent not in safe:
            raise GeneratorError(
                f"{visible(str(each))} holds weights that run as code when they are read; save "
                "them as safetensors (save_pretrained of diffusers does)"
            )
        if each.name == CONFIGURATION:
            _check_configuration(each)
    _check_index(folder)


def _check_configuration(file: Path) -> None:
    """Refuse a part's configuration that names a kernel, which is compiled code, at the Hub.

    Raises:
        GeneratorError: it does, or cannot be read.
    """
    try:
        content = documents.read_object(file, MOST_INDEX, strict=False)
    except (OSError, DocumentError) as error:
        raise GeneratorError(f"{visible(str(file))} cannot be read: {error}") from error
    for value in _implementations(content):
        if "/" in json.dumps(value):
            raise GeneratorError(
                f"{visible(str(file))} names the code {visible(str(value))} of the Hugging Face "
                "Hub, which is not run; take that setting out"
            )


def _implementations(content: object) -> Iterator[object]:
    """Find what a configuration, or one within it, says of how parts are computed."""
    if isinstance(content, list):
        for each in content:
            yield from _implementations(each)
    if isinstance(content, dict):
        for name, value in content.items():
            if name.endswith(KERNELS):
                yield value
            yield from _implementations(value)


def _check_index(folder: Path) -> None:
    """Refuse an index that names other classes than those of diffusers and transformers.

    Raises:
        GeneratorError: it does, or cannot be read.
    """
    try:
        index = documents.read_object(folder / INDEX, MOST_INDEX, strict=False)
    except (OSError, DocumentError) as error:
        raise GeneratorError(
            f"{visible(str(folder))} holds no readable {INDEX}, so it is no pipeline of diffusers"
        ) from error
    _pipeline_class(folder, index.get("_class_name"))
    for name, value in index.items():
        if not name.startswith("_") and isinstance(value, list) and value != [None, None]:
            _check_component(folder, name, value)


def _pipeline_class(folder: Path, name: object) -> None:
    import diffusers  # noqa: PLC0415  slow to import

    found = getattr(diffusers, name, None) if isinstance(name, str) else None
    if not (isinstance(found, type) and issubclass(found, diffusers.DiffusionPipeline)):
        raise GeneratorError(
            f"{visible(str(folder))} is a pipeline of the class {visible(str(name))}, which "
            "diffusers does not have; custom pipelines are not run"
        )


def _check_component(folder: Path, name: str, value: list[Any]) -> None:
    import diffusers  # noqa: PLC0415  slow to import

    texts = len(value) == 2 and all(isinstance(each, str) for each in value)  # noqa: PLR2004
    known = texts and (value[0] in LIBRARIES or hasattr(diffusers.pipelines, value[0]))
    if known or not value:
        return
    raise GeneratorError(
        f"the part {visible(name)} of {visible(str(folder))} is {visible(str(value))}, which is no "
        "class of diffusers or transformers; custom code is not run"
    )


def _digest(folder: Path, files: list[Path]) -> str:
    """SHA-256 of the paths and contents of what is read."""
    read: Mapping[str, str] = {
        each.relative_to(folder).as_posix(): digests.of_file(each)
        for each in files
        if each.suffix in READ
    }
    text = "".join(f"{name}\0{digest}\n" for name, digest in read.items())
    return hashlib.sha256(text.encode()).hexdigest()


def _licence(folder: Path) -> str | None:
    """The licence in the head of a model card; None where nobody says."""
    try:
        with (folder / CARD).open(encoding="utf-8", errors="replace") as file:
            text = file.read(MOST_CARD)
        head = text.split("---")[1] if text.startswith("---") else ""
        found = yaml.safe_load(head)
    except (OSError, IndexError, yaml.YAMLError, RecursionError, ValueError):
        return None
    licence = found.get("license") if isinstance(found, dict) else None
    return visible(licence)[:200] if isinstance(licence, str) and licence else None
