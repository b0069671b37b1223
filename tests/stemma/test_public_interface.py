"""What may be imported stays: names and parameters of the reference, as they were released."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import stemma

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "python.md"
PROMISED = Path(__file__).with_name("public_interface.txt")
PACKAGES = ("lake", "lineage", "expectations", "pipelines", "review", "stemma")
HEADING = re.compile(r"^::: (\S+)\n(?:    options:\n      heading: \"([\w.]+)\")?", re.MULTILINE)


def called(name: str, function: Any) -> str:
    """A function with its parameters, those after a star by name alone."""
    shown, starred = [], False
    for each in inspect.signature(function).parameters.values():
        if each.name == "self":
            continue
        if each.kind is each.KEYWORD_ONLY and not starred:
            shown.append("*")
            starred = True
        shown.append(each.name)
    return f"{name}({', '.join(shown)})"


def members(name: str, kind: type) -> Iterator[str]:
    """The public fields, properties and methods of a class, with those of our bases."""
    ours = [one for one in kind.__mro__ if one.__module__.partition(".")[0] in PACKAGES]
    listed: dict[str, Any] = {}
    for one in reversed(ours):
        listed |= dict.fromkeys(inspect.get_annotations(one)) | vars(one)
    for member, value in sorted(listed.items()):
        if member.startswith("_"):
            continue
        plain = inspect.unwrap(getattr(value, "__func__", value))
        yield called(f"{name}.{member}", plain) if inspect.isfunction(plain) else f"{name}.{member}"


def public() -> Iterator[str]:
    """Each name of the reference's page, as it is now."""
    for place, heading in HEADING.findall(PAGE.read_text(encoding="utf-8")):
        module, _, attribute = place.rpartition(".")
        found = getattr(importlib.import_module(module), attribute)
        name = heading or place
        if inspect.isclass(found):
            yield name
            yield from members(name, found)
        else:
            yield called(name, found)


def test_nothing_that_was_promised_is_lost_and_what_is_new_is_listed() -> None:
    now, promised = list(public()), PROMISED.read_text(encoding="utf-8").splitlines()
    lost = [line for line in promised if line not in now]
    assert lost == [], "the former name or parameter stays for a release and warns (releasing.md)"
    new = [line for line in now if line not in promised]
    assert new == [], f"put what is public from now on into {PROMISED.name}"


def test_the_page_has_every_name_of_the_package() -> None:
    named = {line.partition("(")[0] for line in public()}
    assert {f"stemma.{name}" for name in stemma.__all__} - {"stemma.__version__"} <= named
