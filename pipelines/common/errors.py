"""What can go wrong in a stage, grouped by what the caller would do.

PipelineError
├── ParamsError    params.yaml is wrong: correct the file
├── DataError      the data is not what it must be: correct the source
├── FormatError    a newer release wrote the lake: upgrade
├── StaleError     receipts and lake disagree: fetch the team's receipts, or supersede
├── EmptyRound     nothing was left to go on with: look at the verdicts
├── BlockedError   the guard or a reviewer refused to publish: read why, change the round
├── ReasonError    a decision lacks a reason: give one
├── ReviewError    a decision on samples cannot be made as it was asked for: correct it
├── UnconfirmedError a decision against the guard is not confirmed: decide once more
├── GeneratorError the model could not be fitted or sampled: change its settings
├── WorkerError    a worker ended, or its error cannot be told: look at the machine it was on
├── ReplayError    a shard cannot be made again: look at what its record lacks
│   └── PurgedError rows of it were purged: nothing brings them back
├── SigningError   a key of the guard cannot be used: correct the environment
├── EnvelopeError  a signed statement cannot be verified: find the one that was signed, or the key
├── ProjectError   a project cannot be made or run as it is: do what the message says
├── TakedownError  a take-down cannot be done as it was asked for: correct ids, condition or name
├── SandboxError   programs cannot be isolated here: install what isolates, or another machine
├── LibraryError   an optional library is not installed: install the extra that has it
└── ServiceError   a language model's service cannot be used: correct address, key or model
    ├── GoneError         model or address is gone: ask another one, or look at what was kept
    ├── BudgetError       the budget would be passed: raise it, or ask for less
    └── TooManyFailures   too many requests failed for good: look at the last reason
"""

from __future__ import annotations

from lake.errors import UserError
from lake.exit_codes import ExitCode


class PipelineError(UserError, kind="pipeline"):
    """Root of this package's errors; the message is one sentence for a person."""


class ParamsError(PipelineError, kind="params", exit_code=ExitCode.USAGE):
    """params.yaml is wrong."""


class DataError(PipelineError, kind="data"):
    """Source data is missing or unusable."""


class FormatError(PipelineError, kind="format"):
    """A newer release wrote what is to be read."""


class StaleError(PipelineError, kind="stale"):
    """The lake holds something that the local receipts do not know."""


class EmptyRound(PipelineError, kind="empty"):  # noqa: N818  named by what happened
    """No sample is left."""


class BlockedError(PipelineError, kind="blocked", exit_code=ExitCode.STOPPED):
    """The guard or a reviewer refused to publish."""


class ReasonError(PipelineError, kind="reason"):
    """A decision of a person lacks a reason."""


class ReviewError(PipelineError, kind="review", exit_code=ExitCode.USAGE):
    """A decision on samples cannot be made as it was asked for."""


class UnconfirmedError(PipelineError, kind="unconfirmed"):
    """A person approves a round that checks block, and was not told that they do."""

    def __init__(self, message: str, blocking: tuple[str, ...] = ()) -> None:
        """Keep the names of the checks that block."""
        super().__init__(message)
        self.blocking = blocking


class GeneratorError(PipelineError, kind="generator"):
    """A generator could not be fitted or sampled."""


class WorkerError(PipelineError, kind="worker"):
    """A shard failed with an error that cannot be sent from its worker, or the worker ended."""


class ReplayError(PipelineError, kind="replay"):
    """A shard cannot be made again from its record."""


class PurgedError(ReplayError, kind="purged"):
    """Rows of a shard, or of what its generator learned from, were purged."""


class SigningError(PipelineError, kind="signing", exit_code=ExitCode.USAGE):
    """A key of the guard cannot be used."""


class EnvelopeError(PipelineError, kind="envelope"):
    """A signed statement is damaged, was changed, or is signed by no key that is trusted."""


class ProjectError(PipelineError, kind="project", exit_code=ExitCode.USAGE):
    """A project cannot be made here, or not be run as it is."""


class TakedownError(PipelineError, kind="takedown", exit_code=ExitCode.USAGE):
    """A take-down cannot be done as it was asked for."""


class SandboxError(PipelineError, kind="sandbox"):
    """Programs that nobody trusts cannot be isolated on this system."""


class LibraryError(PipelineError, kind="library", exit_code=ExitCode.USAGE):
    """An optional library is not installed."""


class ServiceError(PipelineError, kind="service"):
    """A language model's service cannot be used."""


class GoneError(ServiceError, kind="gone"):
    """A service does not know the model any more, or nothing answers at its address."""


class BudgetError(ServiceError, kind="budget", exit_code=ExitCode.STOPPED):
    """The next request could pass the budget."""


class TooManyFailures(ServiceError, kind="failures"):  # noqa: N818  named by what happened
    """More requests failed for good than the settings allow."""
