"""What can go wrong in a stage, grouped by what the caller would do.

PipelineError
├── ParamsError    params.yaml is wrong: correct the file
├── DataError      the data is not what it must be: correct the source
├── FormatError    a newer release wrote the lake: upgrade
├── StaleError     receipts and lake disagree: fetch the team's receipts, or supersede
├── EmptyRound     nothing was left to go on with: look at the verdicts
├── BlockedError   the guard or a reviewer refused to publish: read why, change the round
├── ReasonError    a decision lacks a reason: give one
├── GeneratorError the model could not be fitted or sampled: change its settings
├── ReplayError    a shard cannot be made again: look at what its record lacks
├── SigningError   a key of the guard cannot be used: correct the environment
├── SandboxError   programs cannot be isolated here: install what isolates, or another machine
├── LibraryError   an optional library is not installed: install the extra that has it
└── ServiceError   a language model's service cannot be used: correct address, key or model
    ├── BudgetError       the budget would be passed: raise it, or ask for less
    └── TooManyFailures   too many requests failed for good: look at the last reason
"""

from __future__ import annotations

from typing import ClassVar

from lake.visible import shorten


class PipelineError(Exception):
    """Root of this package's errors; the message is one sentence for a person."""

    kind: ClassVar[str] = "pipeline"
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        """The message, which quotes no more of foreign texts than a person reads."""
        return shorten(super().__str__())


class ParamsError(PipelineError):
    """params.yaml is wrong."""

    kind = "params"
    exit_code = 2


class DataError(PipelineError):
    """Source data is missing or unusable."""

    kind = "data"


class FormatError(PipelineError):
    """A newer release wrote what is to be read."""

    kind = "format"


class StaleError(PipelineError):
    """The lake holds something that the local receipts do not know."""

    kind = "stale"


class EmptyRound(PipelineError):  # noqa: N818  named by what happened
    """No sample is left."""

    kind = "empty"


class BlockedError(PipelineError):
    """The guard or a reviewer refused to publish."""

    kind = "blocked"
    exit_code = 3


class ReasonError(PipelineError):
    """A decision of a person lacks a reason."""

    kind = "reason"


class GeneratorError(PipelineError):
    """A generator could not be fitted or sampled."""

    kind = "generator"


class ReplayError(PipelineError):
    """A shard cannot be made again from its record."""

    kind = "replay"


class SigningError(PipelineError):
    """A key of the guard cannot be used."""

    kind = "signing"
    exit_code = 2


class SandboxError(PipelineError):
    """Programs that nobody trusts cannot be isolated on this system."""

    kind = "sandbox"


class LibraryError(PipelineError):
    """An optional library is not installed."""

    kind = "library"
    exit_code = 2


class ServiceError(PipelineError):
    """A language model's service cannot be used."""

    kind = "service"


class BudgetError(ServiceError):
    """The next request could pass the budget."""

    kind = "budget"
    exit_code = 3


class TooManyFailures(ServiceError):  # noqa: N818  named by what happened
    """More requests failed for good than the settings allow."""

    kind = "failures"
