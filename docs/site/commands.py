"""The commands as a page: read from the command line's own definitions."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Final

import typer

from docs.site.markdown import cell, table
from review.cli.app import app

COLUMNS: Final = ("Option", "What it does", "Default")


def page() -> str:
    """Write the page."""
    return "\n\n".join(_parts()) + "\n"


def _parts() -> Iterator[str]:
    yield "# Commands"
    yield "Every command of `stemma`, as `stemma COMMAND --help` has it."
    root: Any = typer.main.get_command(app)
    yield from _options(root)
    for name, command in sorted(root.commands.items()):
        yield from _command(command, f"stemma {name}", 2)


def _command(command: Any, name: str, level: int) -> Iterator[str]:  # noqa: ANN401  not typed
    if command.hidden:
        return
    yield f"{'#' * level} `{name}`"
    yield inspect.cleandoc(command.help or "").replace("\f", "").replace("<", "&lt;")
    children = getattr(command, "commands", {})
    if not children or command.invoke_without_command:
        pieces = [
            f"[{name}]" if not parameter.required else name
            for parameter in command.params
            if parameter.param_type_name == "argument"
            for name in [(parameter.metavar or parameter.name).upper()]
        ]
        usage = " ".join([name, *(["[OPTIONS]"] if _flags(command) else []), *pieces])
        yield f"```text\n{usage}\n```"
        yield from _arguments(command)
        yield from _options(command)
    for child, found in sorted(children.items()):
        yield from _command(found, f"{name} {child}", level + 1)


def _arguments(command: Any) -> Iterator[str]:  # noqa: ANN401  not typed
    rows = [
        (f"`{(parameter.metavar or parameter.name).upper()}`", cell(parameter.help))
        for parameter in command.params
        if parameter.param_type_name == "argument" and getattr(parameter, "help", None)
    ]
    if rows:
        yield table(("Argument", "What it is"), rows)


def _flags(command: Any) -> list[Any]:  # noqa: ANN401  not typed
    return [
        parameter
        for parameter in command.params
        if parameter.param_type_name == "option"
        and not parameter.hidden
        and "--help" not in parameter.opts
    ]


def _options(command: Any) -> Iterator[str]:  # noqa: ANN401  not typed
    rows = []
    for parameter in _flags(command):
        names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
        rows.append((names, cell(parameter.help or ""), _default(parameter)))
    if rows:
        yield table(COLUMNS, rows)


def _default(parameter: Any) -> str:  # noqa: ANN401  not typed
    """The default, or what the command says of it in words; empty where there is none."""
    default, said = parameter.default, getattr(parameter, "show_default", None)
    if isinstance(said, str):
        return cell(said)
    if default is None or default is False or callable(default) or default in ("", ()):
        return ""
    return f"`{default}`"
