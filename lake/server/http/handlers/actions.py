"""Handlers of actions: the records of their runs."""

from __future__ import annotations

from lake.server.http import representations
from lake.server.http.app_state import AppState
from lake.server.http.requests import Request, Result


def list_runs(app: AppState, request: Request) -> Result:
    """Runs of actions, the newest first; of one branch, or of one commit."""
    runs = app.actions.runs.page(
        request.repository,
        request.query.get("after", ""),
        request.page_size(),
        branch=request.query.get("branch", ""),
        commit=request.query.get("commit", ""),
    )
    return Result(200, representations.listing(runs, representations.run))


def get_run(app: AppState, request: Request) -> Result:
    """One run."""
    run = app.actions.runs.get(request.repository, request.path["run"])
    return Result(200, representations.run(run))


def list_run_hooks(app: AppState, request: Request) -> Result:
    """The hooks of a run."""
    hooks = app.actions.runs.hooks(
        request.repository,
        request.path["run"],
        request.query.get("after", ""),
        request.page_size(),
    )
    return Result(200, representations.listing(hooks, representations.hook_run))


def get_run_hook_output(app: AppState, request: Request) -> Result:
    """What was sent to a hook, and what it answered."""
    output = app.actions.runs.output(
        request.repository, request.path["run"], request.path["hook_run"]
    )
    return Result(200, output, {"content-type": "application/octet-stream"})
