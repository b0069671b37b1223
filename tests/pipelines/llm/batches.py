"""OpenAI's Files and Batch API on loopback, answering each line by the real local server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipelines.llm.settings import Access


@dataclass
class Batches:
    """A service that knows batches only."""

    upstream: Access
    key: str
    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    made: list[dict[str, Any]] = field(default_factory=list)
    held: bool = False
    """Leave batches in progress until this is taken back."""
    refused: str | None = None
    """Say this about the next batch."""
    lines: dict[int, tuple[int, dict[str, Any]] | None] = field(default_factory=dict)
    """What to do to the n-th line of all batches: answer so, or leave it out."""
    worked: int = 0

    def app(self) -> Starlette:
        routes = [
            Route("/v1/files", self.upload, methods=["POST"]),
            Route("/v1/files/{id}/content", self.content),
            Route("/v1/batches", self.create, methods=["POST"]),
            Route("/v1/batches", self.listed),
            Route("/v1/batches/{id}", self.look),
        ]
        return Starlette(routes=routes)

    def denied(self, request: Request) -> Response | None:
        if request.headers.get("authorization") == f"Bearer {self.key}":
            return None
        return JSONResponse({"error": {"message": "wrong key"}}, 401)

    async def upload(self, request: Request) -> Response:
        async with request.form() as form:
            data = await form["file"].read()  # type: ignore[union-attr]
            assert form["purpose"] == "batch"
        name = f"file-{len(self.files)}"
        self.files[name] = data
        content = {"id": name, "object": "file", "bytes": len(data), "created_at": 1}
        more = {"filename": "x.jsonl", "purpose": "batch", "status": "processed"}
        return self.denied(request) or JSONResponse(content | more)

    async def content(self, request: Request) -> Response:
        return self.denied(request) or Response(self.files[request.path_params["id"]])

    async def create(self, request: Request) -> Response:
        fields = await request.json()
        batch = {
            "id": f"batch_{len(self.made)}",
            "object": "batch",
            "created_at": 1,
            "status": "validating",
            **fields,
        }
        if self.refused is not None:
            batch |= {"status": "failed", "errors": {"data": [{"message": self.refused}]}}
            self.refused = None
        self.made.append(batch)
        return self.denied(request) or JSONResponse(batch)

    async def listed(self, request: Request) -> Response:
        content = {"object": "list", "data": self.made[::-1], "has_more": False}
        return self.denied(request) or JSONResponse(content)

    async def look(self, request: Request) -> Response:
        matching = [batch for batch in self.made if batch["id"] == request.path_params["id"]]
        if not matching:
            return JSONResponse({"error": {"message": "no such batch"}}, 404)
        (batch,) = matching
        if batch["status"] == "validating":
            batch["status"] = "in_progress"
        elif batch["status"] == "in_progress" and not self.held:
            await run_in_threadpool(self.work, batch)
        return self.denied(request) or JSONResponse(batch)

    def work(self, batch: dict[str, Any]) -> None:
        good, bad = [], []
        for line in self.files[batch["input_file_id"]].splitlines():
            line_content = json.loads(line)
            assert line_content["url"] == batch["endpoint"]
            number, self.worked = self.worked, self.worked + 1
            told = self.lines.get(number, ())
            if told is None:
                continue
            code, body = told or self.ask(line_content)
            response = {"status_code": code, "request_id": f"r{number}", "body": body}
            answer = {
                "id": f"l{number}",
                "custom_id": line_content["custom_id"],
                "response": response,
            }
            (good if code == 200 else bad).append(json.dumps(answer | {"error": None}))
        for name, lines in (("output", good), ("error", bad)):
            if lines:
                self.files[f"{batch['id']}-{name}"] = "\n".join(lines).encode()
                batch[f"{name}_file_id"] = f"{batch['id']}-{name}"
        batch["status"] = "completed"

    def ask(self, line: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        url = self.upstream.base_url.removesuffix("/v1") + line["url"]
        headers = {"Authorization": f"Bearer {self.upstream.key}"}
        answer = httpx.post(url, json=line["body"], headers=headers, timeout=60)
        return answer.status_code, answer.json()


@contextmanager
def serving(upstream: Access, key: str) -> Iterator[Batches]:
    """Run the service in a thread."""
    batches = Batches(upstream, key)
    config = uvicorn.Config(batches.app(), port=0, log_config=None, ws="none", lifespan="off")
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    batches.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield batches
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
