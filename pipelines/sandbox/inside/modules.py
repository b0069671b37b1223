"""The modules that the tests see: their own, and that of the program in the other process."""

from __future__ import annotations

import types
from typing import Any

from pipelines.sandbox.inside.names import Names

Program = Any
"""`remote.Program` or `local.Program`."""


class Main(types.ModuleType):
    """The module of the tests, whose names are found as they are needed."""

    def __init__(self, names: Names) -> None:
        """Take the namespace of the tests."""
        super().__init__("__main__")
        super().__setattr__("__names__", names)

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        return types.ModuleType.__getattribute__(self, "__names__")

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__[name]
        except KeyError:
            said = f"module '__main__' has no attribute {name!r}"
            raise AttributeError(said, name=name, obj=self) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        del self.__dict__[name]

    def __dir__(self) -> list[str]:
        return list(self.__dict__)


class Module(types.ModuleType):
    """The program's module."""

    __program__: Program
    __names__: Names

    def __init__(self, program: Program, names: Names) -> None:
        """Take the program, and the namespace of the tests."""
        super().__init__("program")
        super().__setattr__("__program__", program)
        super().__setattr__("__names__", names)

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        content = self.__program__.ask("content_of_module")
        return {name: content[name] for name in self.__names__.given(content)}

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return self.__names__.given(self.__program__.ask("names"))
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self.__program__.look(name)
        except NameError:
            said = f"module 'program' has no attribute {name!r}"
            raise AttributeError(said, name=name, obj=self) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self.__program__.ask("assign", name, value)

    def __delattr__(self, name: str) -> None:
        self.__program__.ask("remove", name)
