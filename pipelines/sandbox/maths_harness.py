"""What runs inside the sandbox to compare answers: math-verify, on text that nobody trusts.

Comparing answers parses and simplifies them, which a short hostile answer can make take for ever or
fill the memory. The file is handed to the sandbox's Python as text; each pair is reported as soon
as it is judged, so that a pair which ends the process is known.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main() -> None:
    """Compare the pairs that standard input lists, in order."""
    number, packages = int(sys.argv[1]), sys.argv[2]
    sys.path.append(packages)
    pairs = json.loads(sys.stdin.buffer.read())
    for given, answer in pairs:
        os.write(number, json.dumps(compare(given, answer)).encode() + b"\n")


def compare(truth: str, answer: str) -> dict[str, Any]:
    """Compare an answer with the true one: {"correct": whether; null: unknown, "says": why}."""
    from math_verify import parse, verify  # noqa: PLC0415  only the sandbox has it on its path
    from math_verify.errors import TimeoutException  # noqa: PLC0415

    try:
        expected = parse(truth, raise_on_error=True)
        if not expected:
            return {"correct": None, "says": "the true answer cannot be read"}
        found = parse(answer, raise_on_error=True)
        if not found:
            return {"correct": False, "says": "no answer can be read"}
        correct = bool(verify(expected, found, raise_on_error=True))
    except TimeoutException:
        return {"correct": None, "says": "took too long to compare"}
    except Exception as error:  # noqa: BLE001  whatever hostile text raises in the parser
        return {"correct": None, "says": f"could not be compared: {type(error).__name__}"}
    return {"correct": correct, "says": "" if correct else "another value"}


if __name__ == "__main__":
    main()
