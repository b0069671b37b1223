"""Names of licences: as SPDX and sources write them, and as the Hub wants them on a card.

The Hub's list: https://huggingface.co/docs/hub/repositories-licenses
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

KNOWN: Final = frozenset(
    """
    afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear
    bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0
    cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0
    cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0
    ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 gemma gfdl gpl gpl-2.0 gpl-3.0 isc lgpl
    lgpl-2.1 lgpl-3.0 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1 openrail osl-3.0 pddl
    postgresql unlicense wtfpl zlib
    """.split()  # noqa: SIM905  sixty names are read more easily so
)
SUFFIXES: Final = ("-only", "-or-later")
OTHER: Final = "other"
UNKNOWN: Final = "unknown"


def metadata(licences: Iterable[str | None]) -> dict[str, Any]:
    """Return the fields of a card about licences.

    Args:
        licences: of the sources; None: one says nothing.

    Returns:
        `license`: the Hub's names, one or a list; `unknown` stands for sources that say nothing.
        One that the Hub does not list is `other`, and `license_name` has its own name.
    """
    given = list(dict.fromkeys(name or None for name in licences)) or [None]
    stated = [name for name in given if name]
    distinct = list(dict.fromkeys(_hub_name(name) if name else UNKNOWN for name in given))
    content: dict[str, Any] = {"license": distinct[0] if len(distinct) == 1 else distinct}
    if distinct == [OTHER]:
        content["license_name"] = ", ".join(stated)
    return content


def _hub_name(licence: str) -> str:
    name = licence.strip().lower()
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name if name in KNOWN else OTHER
