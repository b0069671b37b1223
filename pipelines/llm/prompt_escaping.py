"""Text that nobody trusts, written into a prompt so that it stays data.

A value becomes JSON on one line. Quotes, backslashes and line breaks are escaped, so it cannot end
its own quotation or begin a line; so are the characters of which chat templates make their control
tokens (`<|im_end|>`, `<end_of_turn>`, `[INST]`), since some servers read them in messages too, and
characters that change the direction of writing. Reading the JSON gives the value back exactly.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

HOSTILE: Final = re.compile(
    "[<>\\x7f-\\x9f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff]"  # one character each
    r"|\[(?=/?[A-Z_]{2,}\])"  # [INST], [/INST], [AVAILABLE_TOOLS]
)


def as_data(value: Any) -> str:  # noqa: ANN401  any JSON value
    """Return a JSON value on one line that holds no line break and no control token."""
    plain = json.dumps(value, ensure_ascii=False)
    return HOSTILE.sub(lambda match: f"\\u{ord(match[0]):04x}", plain)


def sound(text: str) -> str:
    """Return a text as it can be stored: without half surrogate pairs, and stripped."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.strip()
