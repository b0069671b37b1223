"""Whether anybody listens: OpenLineage's own configuration, found without importing its client.

The client reads `OPENLINEAGE_URL`, variables that begin with `OPENLINEAGE__TRANSPORT`, and a file
`openlineage.yml`: the one that `OPENLINEAGE_CONFIG` names, in this directory, or in
`~/.openlineage`. Where there is none of these, or `OPENLINEAGE_DISABLED` is true, nothing is
imported or composed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

URL: Final = "OPENLINEAGE_URL"
CONFIG: Final = "OPENLINEAGE_CONFIG"
DISABLED: Final = "OPENLINEAGE_DISABLED"
TRANSPORT: Final = "OPENLINEAGE__TRANSPORT"
"""How the names of variables begin by which a transport is set."""
NAMESPACE: Final = "OPENLINEAGE_NAMESPACE"
PARENT: Final = "OPENLINEAGE_PARENT_ID"
"""The run that a stage belongs to, as other integrations name it: namespace/job/run id."""
FILE: Final = "openlineage.yml"


def is_configured(env: Mapping[str, str] | None = None) -> bool:
    """Tell whether a transport is configured.

    Args:
        env: the environment; None: that of this process.
    """
    env = os.environ if env is None else env
    if env.get(DISABLED, "").strip().lower() == "true":
        return False
    if env.get(URL) or any(name.startswith(TRANSPORT) for name in env):
        return True
    named = env.get(CONFIG)
    places = (named, FILE, os.path.expanduser(f"~/.openlineage/{FILE}"))  # noqa: PTH111  never fails
    return any(os.path.isfile(place) for place in places if place)  # noqa: PTH113  never fails
