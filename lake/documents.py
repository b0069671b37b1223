"""Foreign JSON and YAML: read strictly and under limits, with errors as one sentence.

YAML is read as DVC reads it, by ruamel.yaml in its safe form, which is YAML 1.2: `no` is a text,
`010` is ten and `1e-5` a number. What a reader could take in two ways is refused: a key that comes
twice, a number that is not finite or fits no 64 bits. So is what would never end: deep nesting, and
aliases that stand for more than a file of settings can hold.

The message of a `DocumentError` continues the name of the document: "holds the key 'a' twice".
"""

from __future__ import annotations

import copy
import functools
import json
import math
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

from lake import files

MAX_BYTES: Final = 1 << 24
"""Largest JSON document in bytes."""
MAX_YAML_BYTES: Final = 1 << 20
"""Largest YAML document in bytes; it is parsed in Python alone."""
MAX_DEPTH: Final = 64
"""How deeply a document may be nested."""
MAX_VALUES: Final = 100_000
"""Values that a YAML document may have, each alias counted as what it stands for."""
MIN_INTEGER: Final = -(1 << 63)
MAX_INTEGER: Final = (1 << 64) - 1
"""Integers are signed or unsigned ones of 64 bits."""
_MAX_DIGITS: Final = 20
"""Digits of such an integer."""
_MAX_SHOWN: Final = 60
"""Characters of a name that are shown, and three times as many of a parser's message."""


class DocumentError(ValueError):
    """A document cannot be read, or is ambiguous; the message continues its name."""


def read_json(path: Path, max_bytes: int = MAX_BYTES, *, strict: bool = True) -> Any:  # noqa: ANN401  JSON
    """Read a JSON file.

    Args:
        path: the file.
        max_bytes: how large it may be.
        strict: as `parse_json`.

    Raises:
        FileNotFoundError: there is no such file.
        DocumentError: it is not a regular file or not UTF-8, or `parse_json` refuses it.
    """
    return parse_json(_read_text(path, max_bytes), strict=strict)


def read_object(path: Path, max_bytes: int = MAX_BYTES, *, strict: bool = True) -> dict[str, Any]:
    """Read a JSON file that holds an object; as `read_json`.

    Raises:
        FileNotFoundError: there is no such file.
        DocumentError: as `read_json`, or it holds another value.
    """
    content = read_json(path, max_bytes, strict=strict)
    if not isinstance(content, dict):
        raise DocumentError("is no JSON object")
    return content


def read_yaml(path: Path) -> Any:  # noqa: ANN401  YAML
    """Read a YAML file strictly; an empty one is None.

    Raises:
        FileNotFoundError: there is no such file.
        DocumentError: it is not a regular file or not UTF-8, or `parse_yaml` refuses it.
    """
    return parse_yaml(_read_text(path, MAX_YAML_BYTES))


def parse_json(text: str | bytes, *, strict: bool = True) -> Any:  # noqa: ANN401  JSON
    """Read JSON.

    Args:
        text: the document.
        strict: whether names that come twice, numbers that are too large and halves of surrogate
            pairs are refused; otherwise the last name counts, and Python's values are taken.

    Raises:
        DocumentError: it is not JSON, is nested too deeply, or is refused as `strict`.
    """
    hooks: dict[str, Any] = (
        {
            "object_pairs_hook": _unique_keys,
            "parse_constant": _refuse_constant,
            "parse_int": _integer,
            "parse_float": _finite_number,
        }
        if strict
        else {}
    )
    try:
        document = json.loads(text, **hooks)
    except RecursionError:
        raise DocumentError("is nested too deeply") from None
    except DocumentError:
        raise
    except ValueError as error:
        raise DocumentError(f"is not JSON: {one_line(str(error))}") from error
    _check_limits(document, None)
    if strict:
        _check_surrogates(document)
    return document


def parse_yaml(text: str) -> Any:  # noqa: ANN401  YAML
    """Read YAML 1.2 as DVC does.

    Raises:
        DocumentError: it is not YAML; holds a key twice, a tag that stands for no plain value, or a
            number that is not finite or too large; is nested too deeply; or has too many values.
    """
    return copy.deepcopy(_yaml_document(text))


@functools.lru_cache(maxsize=4)
def _yaml_document(text: str) -> Any:  # noqa: ANN401  YAML
    """The value of a YAML document; one command reads params.yaml again and again."""
    from ruamel.yaml import YAML  # noqa: PLC0415  slow to import
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415  slow to import

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of a name that is given to two anchors
            document = YAML(typ="safe").load(text)
    except RecursionError:
        raise DocumentError("is nested too deeply") from None
    except YAMLError as error:
        raise DocumentError(_yaml_message(error)) from error
    except (ValueError, OverflowError, TypeError, AttributeError) as error:  # of a scalar
        too_long = "integer string conversion" in str(error)
        value = "a whole number that fits no 64 bits" if too_long else "a value that cannot be read"
        raise DocumentError(f"holds {value}") from error
    _check_limits(document, MAX_VALUES)
    _check_surrogates(document)
    return document


def one_line(text: str) -> str:
    """Foreign text for use in a sentence: one line of limited length, all of it printable."""
    line = " ".join(text.split())
    line = line if len(line) <= 3 * _MAX_SHOWN else f"{line[: 3 * _MAX_SHOWN - 1]}…"
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)


def _read_text(path: Path, max_bytes: int) -> str:
    try:
        return files.read_text(path, max_bytes)
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        is_sentence = reason.startswith(("is ", "has "))
        raise DocumentError(reason if is_sentence else f"cannot be read: {reason}") from error


def _yaml_message(error: Exception) -> str:
    """The message of a YAML parser, with the line."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    line = f"line {mark.line + 1}: " if mark is not None else ""
    return f"is not YAML as DVC reads it: {line}{one_line(problem)}"


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        repeated, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise DocumentError(f"holds the key {repeated[:_MAX_SHOWN]!r} twice in one object")
    return mapping


def _refuse_constant(constant: str) -> NoReturn:
    raise DocumentError(f"is not JSON: {constant} is no number")


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) <= _MAX_DIGITS and MIN_INTEGER <= int(digits) <= MAX_INTEGER:
        return int(digits)
    raise DocumentError(f"holds a number of {len(digits):,} digits, which fits no 64 bits")


def _finite_number(digits: str) -> float:
    number = float(digits)
    if math.isfinite(number):
        return number
    raise DocumentError(f"holds the number {one_line(digits)}, which is too large")


def _check_limits(document: object, max_values: int | None) -> None:
    """Check depth, and where there is a limit also the values and their number; no recursion.

    Args:
        document: as it was parsed.
        max_values: how many values it may have, all of them plain; None: any.
    """
    stack: list[Iterator[Any]] = [iter((document,))]
    count = 0
    while stack:
        for value in stack[-1]:
            count += 1
            if max_values is not None:
                _check_yaml_value(value, count, max_values)
            if isinstance(value, dict | list):
                stack.append(iter(value.values() if isinstance(value, dict) else value))
                break
        else:
            stack.pop()
        if len(stack) > MAX_DEPTH + 1:
            raise DocumentError("is nested too deeply")


def _check_surrogates(document: object) -> None:
    """Refuse half of a surrogate pair, which JSON and YAML can name and no text can hold."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise DocumentError("holds half of a surrogate pair, which is no text") from None


def _check_yaml_value(value: object, count: int, max_values: int) -> None:
    """Check a value of YAML, which has more types than JSON, and keys that are not text."""
    if count > max_values:
        raise DocumentError(f"stands for more than {max_values:,} values")
    if isinstance(value, dict):
        key = next((name for name in value if not isinstance(name, str)), None)
        if key is not None or None in value:
            raise DocumentError(f"holds the key {one_line(str(key))}, no text; put it into quotes")
    elif isinstance(value, float) and not math.isfinite(value):
        raise DocumentError(f"holds the number {value}; a number is finite")
    elif isinstance(value, int) and not MIN_INTEGER <= value <= MAX_INTEGER:
        raise DocumentError("holds a whole number that fits no 64 bits")
    elif not isinstance(value, str | int | float | list | None):
        described = f"{one_line(str(value))}, a {type(value).__name__}"
        raise DocumentError(f"holds {described}; put it into quotes, if it is a text")
