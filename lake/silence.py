"""Why a lake did not answer a call, and whether the call can be made again."""

from __future__ import annotations

from typing import Final

_ASKS: Final = ("get_", "list_", "find_", "diff_", "log_")
"""How the SDK's methods that change nothing begin."""


def may_repeat(method: str, error: Exception) -> bool:
    """Tell whether a call that failed can be made again: nothing was sent, or it only asked."""
    import urllib3  # noqa: PLC0415  slow to import

    reason = _inner(error)
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return True
    return method.startswith(_ASKS) and isinstance(reason, urllib3.exceptions.ProtocolError)


def why(error: Exception) -> str:
    """The innermost reason in a few words."""
    inner = _inner(error)
    cause = inner.__cause__
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    said = inner.args[0] if len(inner.args) > 1 and isinstance(inner.args[0], str) else str(inner)
    return said.rpartition("): ")[2].rstrip(".")


def _inner(error: Exception) -> Exception:
    """What urllib3 gave up because of."""
    reason = getattr(error, "reason", None)
    return reason if isinstance(reason, Exception) else error
