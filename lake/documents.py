"""JSON and YAML that somebody else wrote: read strictly, under bounds, errors as one sentence.

YAML is read as DVC reads it, by ruamel.yaml in its safe form, which is YAML 1.2: `no` is a text,
`010` is ten and `1e-5` a number. What a reader could take in two ways is refused: a key that comes
twice, a number that is not finite or fits no 64 bits. So is what would never end: deep nesting, and
aliases that stand for more than a file of settings can hold.

The message of a `DocumentError` goes on after the name of the document: "holds the key 'a' twice".
"""

from __future__ import annotations

import json
import math
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

from lake import files

MOST: Final = 1 << 24
"""Bytes of a JSON document."""
MOST_YAML: Final = 1 << 20
"""Bytes of a YAML document; it is read by Python alone."""
DEPTH: Final = 64
"""How deeply a document may be nested."""
VALUES: Final = 100_000
"""Values that a YAML document may have, each alias counted as what it stands for."""
LEAST: Final = -(1 << 63)
LARGEST: Final = (1 << 64) - 1
"""Whole numbers are signed or unsigned ones of 64 bits."""
_DIGITS: Final = 20
"""Digits of such a number."""
_SHOWN: Final = 60
"""Characters of a name, and three times as many of a parser's words, that are shown."""


class DocumentError(ValueError):
    """A document cannot be read, or not in one way; the message follows its name."""


def read_json(place: Path, most: int = MOST, *, strict: bool = True) -> Any:  # noqa: ANN401  JSON
    """Read a JSON file.

    Args:
        place: the file.
        most: bytes that it may have.
        strict: as `parse_json`.

    Raises:
        FileNotFoundError: there is none.
        DocumentError: it is no regular file, no UTF-8, or not as `parse_json` wants it.
    """
    return parse_json(_text(place, most), strict=strict)


def read_yaml(place: Path) -> Any:  # noqa: ANN401  YAML
    """Read a YAML file strictly; an empty one is None.

    Raises:
        FileNotFoundError: there is none.
        DocumentError: it is no regular file, no UTF-8, or not as `parse_yaml` wants it.
    """
    return parse_yaml(_text(place, MOST_YAML))


def parse_json(text: str | bytes, *, strict: bool = True) -> Any:  # noqa: ANN401  JSON
    """Read JSON.

    Args:
        text: the document.
        strict: whether names that come twice, numbers that are too large and halves of surrogate
            pairs are refused; else the last one counts, and they are what Python makes of them.

    Raises:
        DocumentError: it is no JSON, nested too deeply, or not strict.
    """
    hooks: dict[str, Any] = (
        {
            "object_pairs_hook": _once,
            "parse_constant": _no_constant,
            "parse_int": _whole,
            "parse_float": _finite,
        }
        if strict
        else {}
    )
    try:
        found = json.loads(text, **hooks)
    except RecursionError:
        raise DocumentError("is nested too deeply") from None
    except DocumentError:
        raise
    except ValueError as error:
        raise DocumentError(f"is not JSON: {shown(str(error))}") from error
    _bound(found, None)
    if strict:
        _whole_texts(found)
    return found


def parse_yaml(text: str) -> Any:  # noqa: ANN401  YAML
    """Read YAML 1.2 as DVC does.

    Raises:
        DocumentError: it is no YAML, holds a key twice or a tag of no plain value, a number that is
            not finite or too large, or is nested too deeply or of too many values.
    """
    from ruamel.yaml import YAML  # noqa: PLC0415  slow to import
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415  slow to import

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of a name that is given to two anchors
            found = YAML(typ="safe").load(text)
    except RecursionError:
        raise DocumentError("is nested too deeply") from None
    except YAMLError as error:
        raise DocumentError(_of_yaml(error)) from error
    except (ValueError, OverflowError, TypeError, AttributeError) as error:  # of a scalar
        many = "integer string conversion" in str(error)
        said = "a whole number that fits no 64 bits" if many else "a value that cannot be read"
        raise DocumentError(f"holds {said}") from error
    _bound(found, VALUES)
    _whole_texts(found)
    return found


def shown(text: str) -> str:
    """Somebody else's words in a sentence: one line of bounded length, printable alone."""
    line = " ".join(text.split())
    line = line if len(line) <= 3 * _SHOWN else f"{line[: 3 * _SHOWN - 1]}…"
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line)


def _text(place: Path, most: int) -> str:
    try:
        return files.read_text(place, most)
    except FileNotFoundError:
        raise
    except OSError as error:
        said = error.strerror or str(error)
        known = said.startswith(("is ", "has "))
        raise DocumentError(said if known else f"cannot be read: {said}") from error


def _of_yaml(error: Exception) -> str:
    """What a parser says, with the line."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or str(error)
    where = f"line {mark.line + 1}: " if mark is not None else ""
    return f"is not YAML as DVC reads it: {where}{shown(said)}"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise DocumentError(f"holds the key {twice[:_SHOWN]!r} twice in one object")
    return found


def _no_constant(constant: str) -> NoReturn:
    raise DocumentError(f"is not JSON: {constant} is no number")


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) <= _DIGITS and LEAST <= int(digits) <= LARGEST:
        return int(digits)
    raise DocumentError(f"holds a number of {len(digits):,} digits, which fits no 64 bits")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isfinite(number):
        return number
    raise DocumentError(f"holds the number {shown(digits)}, which is too large")


def _bound(found: object, most: int | None) -> None:
    """Check depth, and where there is a bound also values and how many, without recursion.

    Args:
        found: the document.
        most: values that it may have, all of them plain; None: any.
    """
    ahead: list[Iterator[Any]] = [iter((found,))]
    count = 0
    while ahead:
        for value in ahead[-1]:
            count += 1
            if most is not None:
                _check(value, count, most)
            if isinstance(value, dict | list):
                ahead.append(iter(value.values() if isinstance(value, dict) else value))
                break
        else:
            ahead.pop()
        if len(ahead) > DEPTH + 1:
            raise DocumentError("is nested too deeply")


def _whole_texts(found: object) -> None:
    """Refuse half of a surrogate pair, which JSON and YAML can name and no text can hold."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise DocumentError("holds half of a surrogate pair, which is no text") from None


def _check(value: object, count: int, most: int) -> None:
    """Check a value of YAML, which has more types than JSON, and names that are no texts."""
    if count > most:
        raise DocumentError(f"stands for more than {most:,} values")
    if isinstance(value, dict):
        other = next((name for name in value if not isinstance(name, str)), None)
        if other is not None or None in value:
            raise DocumentError(f"holds the key {shown(str(other))}, no text; put it into quotes")
    elif isinstance(value, float) and not math.isfinite(value):
        raise DocumentError(f"holds the number {value}; a number is finite")
    elif isinstance(value, int) and not LEAST <= value <= LARGEST:
        raise DocumentError("holds a whole number that fits no 64 bits")
    elif not isinstance(value, str | int | float | list | None):
        said = f"{shown(str(value))}, a {type(value).__name__}"
        raise DocumentError(f"holds {said}; put it into quotes, if it is a text")
