"""Change a YAML file: comments, order and quotes of what is not changed stay as they are."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lake import documents, files
from lake.documents import DocumentError
from pipelines.common.errors import ParamsError


def edit(path: Path, change: Callable[[Any], None]) -> None:
    """Change a YAML file in one step; nothing is written if nothing changed.

    Args:
        path: The file.
        change: Changes the document in place.

    Raises:
        ParamsError: The file cannot be read, or not changed with its form kept.
    """
    text = changed(path, change)
    if text is not None:
        files.write_text(path, text)


def changed(path: Path, change: Callable[[Any], None]) -> str | None:
    """Return a changed document as `edit` would write it; None if nothing changed.

    Raises:
        ParamsError: As `edit`.
    """
    yaml = _round_trip()
    try:
        before = files.read_text(path)
        documents.parse_yaml(before)  # a file that this parser refuses is not edited
    except OSError as error:
        raise ParamsError(f"{path} cannot be read: {error.strerror}") from error
    except DocumentError as error:
        raise ParamsError(f"{path} {error}") from error
    content = _loaded(yaml, before, path)
    snapshot = copy.deepcopy(content)
    change(content)
    if content == snapshot:
        return None
    text = io.StringIO()
    yaml.dump(content, text)
    return text.getvalue()


def put(content: Any, section: str, name: str, entry: Mapping[str, Any]) -> None:  # noqa: ANN401  a YAML document
    """Add an entry to a section of a document, which may be missing or empty, as a block."""
    from ruamel.yaml.comments import CommentedMap  # noqa: PLC0415  only commands write YAML

    if not content.get(section):
        content[section] = CommentedMap()  # an empty `{}` would keep its entries on one line
    content[section][name] = entry


def commented(entry: Mapping[str, Any], comments: Mapping[str, str]) -> Any:  # noqa: ANN401  a YAML node
    """Make a block of nested mappings, with comments at the end of lines.

    Args:
        entry: Plain values.
        comments: By path of keys with dots between, such as `ingest.near`.
    """
    from ruamel.yaml.comments import CommentedMap, CommentedSeq  # noqa: PLC0415  as above

    node = CommentedMap()
    for name, value in entry.items():
        if isinstance(value, Mapping):
            inner = {
                path.removeprefix(f"{name}."): text
                for path, text in comments.items()
                if path.startswith(f"{name}.")
            }
            node[name] = commented(value, inner)
        elif isinstance(value, list | tuple):
            node[name] = CommentedSeq(value)
            node[name].fa.set_flow_style()
        else:
            node[name] = value
        if name in comments:
            node.yaml_add_eol_comment(comments[name], name)
    if not entry:
        node.fa.set_flow_style()
    return node


def _round_trip() -> Any:  # noqa: ANN401  ruamel.yaml is imported late
    from ruamel.yaml import YAML  # noqa: PLC0415  only commands write YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _loaded(yaml: Any, text: str, path: Path) -> Any:  # noqa: ANN401  ruamel.yaml is imported late
    """Parse a document with its formatting, which fails for some files that parse otherwise."""
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415  only commands write YAML

    try:
        return yaml.load(text)
    except (YAMLError, ValueError, TypeError, AttributeError) as error:
        message = documents.one_line(str(error))
        raise ParamsError(f"{path} cannot be changed with its form kept: {message}") from error
