"""The exit codes as a page: read from the enumeration that commands end with."""

from __future__ import annotations

from docs.site.markdown import table
from lake.exit_codes import MEANINGS


def page() -> str:
    """Write the page."""
    rows = [(str(int(code)), f"{says[:1].upper()}{says[1:]}.") for code, says in MEANINGS.items()]
    return (
        "# Exit codes\n\n"
        "`stemma`, its stages and `python -m lake.server` end with one of these. An error is one "
        "sentence on standard error; `--json` of a command that found something is printed all the "
        "same.\n\n" + table(("Exit code", "What it says"), rows) + "\n"
    )
