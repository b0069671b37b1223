"""Digests of what scores are computed from: rows, frames, code, libraries."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

import polars as pl

from lineage import identity
from pipelines.common.digests import canonical, of_json

ROOT: Final = Path(__file__).resolve().parents[2]
OURS: Final = ("pipelines", "expectations", "lineage")
"""Packages whose modules count as code of a scorer."""


def of_rows(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """Digest each row by the content of these columns: [n] of 32 bytes.

    An image counts by the bytes of its file, a list by its JSON.

    Raises:
        IdentityError: a column has a type without canonical bytes.
    """
    flat = frame.select(part for name in columns for part in _flat(name, frame.schema[name]))
    if not flat.columns:
        return pl.Series("digest", [hashlib.sha256().digest()] * len(frame), dtype=pl.Binary)
    return identity.sample_ids(flat, flat.columns).alias("digest")


def of_frame(frame: pl.DataFrame, columns: Sequence[str]) -> str:
    """Digest these columns of a frame, the order of its rows with them."""
    digest = hashlib.sha256(canonical([len(frame), *columns]))
    digest.update(b"".join(of_rows(frame, columns)))
    return digest.hexdigest()


def of_values(**values: object) -> str:
    """Digest plain values by their names."""
    return of_json(values)


def versions(*distributions: str) -> Mapping[str, str]:
    """The installed versions of libraries that scores depend on."""
    return {name: metadata.version(name) for name in distributions}


def installed(*distributions: str) -> Mapping[str, str | None]:
    """The versions of optional libraries; None of one that is not installed."""
    return {name: _version(name) for name in distributions}


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def of_code(module: str) -> str:
    """Digest a module and every one of this project that it imports, however far away.

    Args:
        module: of this project, or one of a user's that is imported.
    """
    files = sorted(_imported(module))
    parts = [f"{name}:{hashlib.sha256(_file(name).read_bytes()).hexdigest()}" for name in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _flat(name: str, dtype: pl.DataType, value: pl.Expr | None = None) -> Iterable[pl.Expr]:
    """Split a column into columns that have canonical bytes."""
    value = pl.col(name) if value is None else value
    if isinstance(dtype, pl.Struct):
        yield value.is_null().alias(f"{name}?")
        for part in dtype.fields:
            inner = value.struct.field(part.name)
            yield from _flat(f"{name}.{part.name}", pl.Series(dtype=part.dtype).dtype, inner)
    elif dtype.is_nested():
        yield pl.struct(value).struct.json_encode().alias(name)
    else:
        yield value.alias(name)


def _imported(module: str) -> set[str]:
    modules, ahead = set(), {module}
    while ahead:
        name = ahead.pop()
        modules.add(name)
        ahead |= _imports(name) - modules
    return modules


@cache
def _imports(module: str) -> frozenset[str]:
    """The modules of this project that a module names in its imports."""
    tree = ast.parse(_file(module).read_text(encoding="utf-8"))
    named: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    project_names = {name for name in named if name.partition(".")[0] in OURS}
    return frozenset(name for name in project_names if _file(name).is_file())


def _file(module: str) -> Path:
    if module.partition(".")[0] not in OURS:
        return Path(str(sys.modules[module].__file__))
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
