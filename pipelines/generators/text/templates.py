"""Prompts as files: Jinja templates with a block for each way to ask.

A template has the block `completion` for a model that goes on with a text, and the blocks `system`
and `user` for one that chats; a template of the user's own needs the one that its service wants.
Blocks see

    label        what is asked for; None where a data set has no labels
    attributes   a word for each attribute of the grid
    columns      names of the columns to write
    exemplars    the content of each exemplar as a mapping; none where columns are carried
    row          the content of the given row; empty without one
    known        content that is carried from the given row, and what earlier steps wrote
    carried      all columns that are carried, such as a truth that a prompt must not tell

and the filter `data`, which writes a value as JSON on one line
(`pipelines/llm/prompt_escaping.py`). Exemplars are values and never template code, and the sandbox
lets a template reach nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from lake import documents
from pipelines.common.errors import GeneratorError
from pipelines.common.packaged_texts import PackagedTexts
from pipelines.llm import prompt_escaping
from pipelines.llm.settings import EndpointName

FOLDER: Final = Path(__file__).parent / "prompts"
PROMPTS: Final = PackagedTexts("prompt", "a template", FOLDER, ".txt", GeneratorError)
BLOCKS: Final[Mapping[EndpointName, tuple[str, ...]]] = {
    "chat": ("system", "user"),
    "completions": ("completion",),
}
PAIR: Final = ("prompt", "completion")

Prompt = str | Sequence[Mapping[str, Any]]
"""A text to go on with, or messages."""


@dataclass(frozen=True)
class Template:
    """The source of a prompt, and what it is called."""

    name: str
    source: str

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the source."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    def render(self, endpoint: EndpointName, values: Mapping[str, Any]) -> Prompt:
        """Fill the blocks that an endpoint needs.

        Args:
            endpoint: Endpoint of the service.
            values: what the blocks see.

        Raises:
            GeneratorError: a block is missing, or wants what there is not.
        """
        texts = {name: self._block(name, values) for name in BLOCKS[endpoint]}
        if endpoint == "completions":
            return texts["completion"]
        roles = [name for name in BLOCKS["chat"] if texts[name]]
        return [{"role": role, "content": texts[role]} for role in roles]

    def _block(self, name: str, values: Mapping[str, Any]) -> str:
        block = self._found(name)
        try:
            return "".join(block(self._compiled.new_context(dict(values)))).lstrip("\n")
        except Exception as error:  # what a template computes fails in any way
            reason = documents.one_line(f"{type(error).__name__}: {error}")
            raise GeneratorError(f"the prompt {self.name}, block {name!r}: {reason}") from error

    def _found(self, name: str) -> Any:  # noqa: ANN401  jinja2 is imported where it is used
        block = self._compiled.blocks.get(name)
        if block is None:
            raise GeneratorError(
                f"the prompt {self.name} has no block {name!r}, which this service needs; add "
                f"{{% block {name} %}}…{{% endblock %}}"
            )
        return block

    def check(self, endpoint: EndpointName) -> None:
        """Check that the template is one, and has the blocks of an endpoint.

        Raises:
            GeneratorError: it is none, or a block is missing.
        """
        for name in BLOCKS[endpoint]:
            self._found(name)

    @cached_property
    def _compiled(self) -> Any:  # noqa: ANN401  jinja2 is imported where it is used
        from jinja2 import StrictUndefined, TemplateSyntaxError  # noqa: PLC0415
        from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

        environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
        )
        environment.globals.clear()
        environment.filters["data"] = prompt_escaping.as_data
        try:
            return environment.from_string(self.source)
        except TemplateSyntaxError as error:
            reason = f"line {error.lineno}: {documents.one_line(str(error.message))}"
            raise GeneratorError(f"the prompt {self.name} is no template: {reason}") from error
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # of its code
            reason = documents.one_line(str(error)) or "it is nested too deeply"
            raise GeneratorError(f"the prompt {self.name} is no template: {reason}") from error


def name_of(name: str | None, columns: Sequence[str]) -> str:
    """The name or path of a template.

    Args:
        name: as `TextGenerate.prompt`.
        columns: of the data set's identity, which choose where there is no name.
    """
    if name is not None:
        return name
    layouts = {PAIR: "pairs", tuple(sorted(PAIR)): "pairs"}
    return layouts.get(tuple(columns), "text" if len(columns) == 1 else "columns")


def load(name: str | None, columns: Sequence[str]) -> Template:
    """Read a template.

    Raises:
        GeneratorError: there is no such file.
    """
    name = name_of(name, columns)
    return Template(PROMPTS.path(name).name, PROMPTS.read(name))
