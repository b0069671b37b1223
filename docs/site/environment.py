"""The environment variables as a page; a test holds the list to what the packages read."""

from __future__ import annotations

from typing import Final

from docs.site.markdown import cell, table

VARIABLES: Final = {
    "LAKECTL_SERVER_ENDPOINT_URL": "Address of a lakeFS server in place of the embedded lake.",
    "LAKECTL_CREDENTIALS_ACCESS_KEY_ID": "Access key id for it.",
    "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": "Secret access key for it.",
    "LAKECTL_CONFIG_FILE": "File with these three; else `~/.lakectl.yaml`.",
    "STEMMA_HOLDOUT_ACCESS_KEY_ID": "Access key id for the hold-out's repository.",
    "STEMMA_HOLDOUT_SECRET_ACCESS_KEY": "Secret access key for that repository.",
    "STEMMA_STORAGE_NAMESPACE": "Where repositories that Stemma makes on lakeFS keep objects.",
    "STEMMA_LAKE_HOME": "Folder of the embedded lake, in place of `.lake`.",
    "STEMMA_GUARD_KEY": "Signing key, or its file, in place of `~/.config/stemma/signing-key.pem`.",
    "STEMMA_GUARD_KEY_PASSWORD": "Password of that key.",
    "STEMMA_GUARD_PUBLIC_KEYS": "Folder of the keys that are trusted, in place of `trust/`.",
    "STEMMA_EXECUTOR": "Where shards run: `local`, `processes` or `ray`; it goes before params.",
    "STEMMA_REVIEW_WEBHOOK": "Address that is told when a round waits for review.",
    "STEMMA_REVIEW_COMMAND": "Command that is run when a round waits for review.",
    "OPENAI_API_KEY": "Key of the model's service.",
    "OPENAI_BASE_URL": "Address of the model's service, where params name none.",
}
"""What each variable is for."""
INTERNAL: Final = frozenset({"STEMMA_GUARD_", "STEMMA_LAKE_FAULT"})
"""Names that no user sets: a prefix, and the place at which tests end the lake's server."""


def page() -> str:
    """Write the page."""
    rows = [(f"`{name}`", cell(text)) for name, text in VARIABLES.items()]
    return (
        "# Environment variables\n\n"
        "Stemma reads these; settings of `params.yaml` stand in [Settings](settings.md). The key "
        "of a service may have another name, which `service.key` says.\n\n"
        f"{table(('Variable', 'What it is for'), rows)}\n"
    )
