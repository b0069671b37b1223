"""Bodies that the API takes, as JSON schemas of its description."""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
NUMBER: Final[Schema] = {"type": "integer"}
TEXTS: Final[Schema] = {"type": "array", "items": TEXT}
MAP: Final[Schema] = {"type": "object", "additionalProperties": TEXT}


def _object(*needed: str, **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(needed)}


_OVERRIDES: Final = _object(message=TEXT, metadata=MAP)
_COMMIT: Final = _object(
    "message", message=TEXT, metadata=MAP, date=NUMBER, allow_empty=FLAG, force=FLAG
)
_RULE: Final = _object("pattern", pattern={"type": "string", "minLength": 1})

BODIES: Final[dict[str, Schema]] = {
    "Anything": {"type": "object"},
    "Upkeep": _object(keep_seconds=NUMBER, also=TEXTS),
    "Login": _object(
        "access_key_id", "secret_access_key", access_key_id=TEXT, secret_access_key=TEXT
    ),
    "Repository": _object(
        "name",
        "storage_namespace",
        name={"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{2,62}$"},
        storage_namespace=TEXT,
        default_branch=TEXT,
        sample_data=FLAG,
        read_only=FLAG,
    ),
    "Metadata": _object("metadata", metadata=MAP),
    "Keys": _object("keys", keys=TEXTS),
    "Rule": _RULE,
    "Rules": {"type": "array", "items": _RULE},
    "Branch": _object("name", "source", name=TEXT, source=TEXT, force=FLAG, hidden=FLAG),
    "Reset": _object(
        "type",
        type={"type": "string", "enum": ["object", "common_prefix", "reset"]},
        path=TEXT,
        force=FLAG,
    ),
    "Commit": _COMMIT,
    "Revert": _object(
        "ref",
        "parent_number",
        ref=TEXT,
        parent_number=NUMBER,
        commit_overrides=_OVERRIDES,
        allow_empty=FLAG,
        force=FLAG,
    ),
    "CherryPick": _object(
        "ref", ref=TEXT, parent_number=NUMBER, commit_overrides=_OVERRIDES, force=FLAG
    ),
    "Merge": _object(
        message=TEXT,
        metadata=MAP,
        strategy=TEXT,
        force=FLAG,
        allow_empty=FLAG,
        squash_merge=FLAG,
    ),
    "Tag": _object("id", "ref", id=TEXT, ref=TEXT, force=FLAG),
    "Paths": _object("paths", paths=TEXTS),
    "Copy": _object("src_path", src_path=TEXT, src_ref=TEXT, force=FLAG, shallow=FLAG),
    "UserMetadata": _object("set", set=MAP),
    "Stage": _object(
        "physical_address",
        "checksum",
        "size_bytes",
        physical_address=TEXT,
        checksum=TEXT,
        size_bytes=NUMBER,
        mtime=NUMBER,
        metadata=MAP,
        content_type=TEXT,
        force=FLAG,
    ),
    "Link": _object(
        "staging",
        "checksum",
        "size_bytes",
        staging=_object(physical_address=TEXT, presigned_url=TEXT, presigned_url_expiry=NUMBER),
        checksum=TEXT,
        size_bytes=NUMBER,
        user_metadata=MAP,
        content_type=TEXT,
        mtime=NUMBER,
        force=FLAG,
    ),
    "Links": _object("paths", "addresses", paths=TEXTS, addresses=TEXTS, content_type=TEXT),
    "Import": _object(
        "paths",
        "commit",
        paths={
            "type": "array",
            "items": _object(
                "type",
                "path",
                "destination",
                type={"type": "string", "enum": ["object", "common_prefix"]},
                path=TEXT,
                destination=TEXT,
            ),
        },
        commit=_COMMIT,
        force=FLAG,
    ),
}

QUERY: Final[dict[str, Schema]] = {
    "amount": {**NUMBER, "minimum": -1, "default": 100},
    "objects": TEXTS,
    "prefixes": TEXTS,
    "type": {"type": "string", "enum": ["three_dot", "two_dot"]},
    "since": {"type": "string", "format": "date-time"},
    **dict.fromkeys(
        (
            "bare",
            "first_parent",
            "force",
            "include_right_stats",
            "limit",
            "presign",
            "user_metadata",
        ),
        FLAG,
    ),
}
"""Query parameters that are not plain text."""
