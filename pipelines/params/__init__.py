"""The typed view of params.yaml: one section, one class and one module per stage.

- `ingest`: the section of real data
- `sections`: the classes of the other sections, with every setting and its default
- `round`: a round with its settings resolved
- `rounds`: reads the file as a whole, and resolves the settings of a round
"""

from __future__ import annotations

from pipelines.params.ingest import Ingest
from pipelines.params.round import Round
from pipelines.params.rounds import FILE, load, resolve
from pipelines.params.sections import (
    Curate,
    Dataset,
    Evaluate,
    Fit,
    Generate,
    Lake,
    Params,
    Publish,
    RoundEntry,
    Verify,
)

__all__ = [
    "FILE",
    "Curate",
    "Dataset",
    "Evaluate",
    "Fit",
    "Generate",
    "Ingest",
    "Lake",
    "Params",
    "Publish",
    "Round",
    "RoundEntry",
    "Verify",
    "load",
    "resolve",
]
