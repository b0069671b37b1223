"""Groups of commands of which one is meant where none is named."""

from __future__ import annotations

from typing import Any, ClassVar

from typer.core import TyperGroup


def with_default(command: str) -> type[WithDefault]:
    """The class of groups of which one command is meant where none is named."""

    class Group(WithDefault):
        default_command = command

    return Group


class WithDefault(TyperGroup):
    """A group whose first word may be an argument or an option of one of its commands."""

    default_command: ClassVar[str]
    """The command that is meant where none is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  typer's own click
        """Put the command before arguments that name none."""
        if args and args[0] not in {*self.commands, *self.get_help_option_names(ctx)}:
            args = [self.default_command, *args]
        return super().parse_args(ctx, args)
