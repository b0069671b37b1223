"""The page into which `dvc plots show` draws, so that it needs no network.

DVC's own page loads Vega, Vega-Lite and Vega-Embed from a web address. This one holds them, from
the same library that draws the charts of `stemma ui`. It has 0.9 MB, so the stage `report` writes
it, and git does not keep it. `.dvc/config` names it (`plots.html_template`).
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Final

from lake import files

PATH: Final = Path(".dvc") / "plots" / "page.html"
LIBRARY: Final = "vl-convert-python"
HELD: Final = "{plot_divs}"
"""Where DVC puts the plots."""
EXPORT: Final = "window.vegaEmbed = vegaEmbed;"
"""Gives the scripts that DVC writes beside each plot the name by which they call Vega-Embed."""
_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<!-- {mark} -->
<meta charset="utf-8">
{refresh_tag}
<title>Plots</title>
<script>
{bundle}
</script>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 24px; }}
table {{ border-spacing: 15px; }}
</style>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def write(root: Path = Path()) -> bool:
    """Write the page into a project, unless the one of this release of the library is there.

    Args:
        root: the project's folder.

    Returns:
        Whether it was written; a project without DVC gets none.
    """
    path = root / PATH
    mark = f"{LIBRARY} {metadata.version(LIBRARY)}"
    if not (root / ".dvc").is_dir() or _begins_with(path, mark):
        return False
    files.write_text(path, page(mark))
    return True


def page(mark: str) -> str:
    """The page; Vega is put together from the library, which takes two seconds."""
    import vl_convert  # noqa: PLC0415  slow to import

    # A script ends at `</script`, wherever it stands.
    bundle = vl_convert.javascript_bundle(EXPORT).replace("</script", "<\\/script")
    return _PAGE.format(mark=mark, bundle=bundle, refresh_tag="{refresh_tag}", plot_divs=HELD)


def _begins_with(path: Path, mark: str) -> bool:
    try:
        with path.open(encoding="utf-8") as file:
            return f"<!-- {mark} -->" in file.read(200)
    except (OSError, UnicodeDecodeError):
        return False
