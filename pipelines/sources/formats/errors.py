"""What is wrong with a file, in words that continue "cannot be read as a table:"."""

from __future__ import annotations


class MalformedError(ValueError):
    """A file is not what it says it is; the message says where, and what to do."""
