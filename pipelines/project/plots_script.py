"""The script that draws the plots of `dvc plots show`, so that this needs no network.

DVC's own page loads Vega, Vega-Lite and Vega-Embed from a web address. The page that `.dvc/config`
names (`plots.html_template`) loads this script first, and DVC's only where it is missing. It comes
from the library that draws the charts of `stemma ui`, has 0.9 MB and takes two seconds to put
together, so the stage `report` writes it, and git does not keep it.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Final

from lake import files

FOLDER: Final = Path(".dvc") / "plots"
PAGE: Final = FOLDER / "page.html"
SCRIPT: Final = FOLDER / "vega.js"
LIBRARY: Final = "vl-convert-python"
EXPORT: Final = "window.vegaEmbed = vegaEmbed;"
"""Gives the scripts that DVC writes beside each plot the name by which they call Vega-Embed."""


def write(root: Path = Path()) -> bool:
    """Write the script into a project, unless the one of this release of the library is there.

    Args:
        root: the project's folder.

    Returns:
        Whether it was written; a project without the page gets none.
    """
    path = root / SCRIPT
    mark = f"// {LIBRARY} {metadata.version(LIBRARY)}\n"
    if not (root / PAGE).is_file() or _begins_with(path, mark):
        return False
    files.write_text(path, mark + bundle())
    return True


def bundle() -> str:
    """Put Vega, Vega-Lite and Vega-Embed together, which takes two seconds."""
    import vl_convert  # noqa: PLC0415  slow to import

    return vl_convert.javascript_bundle(EXPORT)


def _begins_with(path: Path, mark: str) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(len(mark)) == mark
    except (OSError, UnicodeDecodeError):
        return False
