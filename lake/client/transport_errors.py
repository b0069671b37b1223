"""Errors of the transport (urllib3): why no response came, and whether a retry does no harm."""

from __future__ import annotations

from typing import Final

_READ_ONLY: Final = ("get_", "list_", "find_", "diff_", "log_")
"""How the names of the SDK's methods begin that change nothing."""


def may_retry(method: str, error: Exception) -> bool:
    """Whether a failed call can be made again: nothing was sent, or the call changes nothing."""
    import urllib3  # noqa: PLC0415  slow to import

    cause = _cause(error)
    if isinstance(cause, urllib3.exceptions.NewConnectionError):
        return True
    return method.startswith(_READ_ONLY) and isinstance(cause, urllib3.exceptions.ProtocolError)


def reason(error: Exception) -> str:
    """The innermost reason in a few words."""
    cause = _cause(error)
    system_error = cause.__cause__
    if isinstance(system_error, OSError) and system_error.strerror:
        return system_error.strerror
    has_text = len(cause.args) > 1 and isinstance(cause.args[0], str)
    text = cause.args[0] if has_text else str(cause)
    return text.rpartition("): ")[2].rstrip(".")


def _cause(error: Exception) -> Exception:
    """The error because of which urllib3 gave up."""
    cause = getattr(error, "reason", None)
    return cause if isinstance(cause, Exception) else error
