"""A service with the images API on this machine, whose pictures a tiny pipeline draws."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from PIL import Image

from pipelines.features import images

REVISED = "what a service made of a prompt, \x1b[31m\ud83d"
"""With an escape sequence and half of a character, as a hostile service may answer."""


class Studio:
    """The images API, drawn by a tiny pipeline."""

    def __init__(self, folder: Path) -> None:
        loader: Any = diffusers.DiffusionPipeline
        self.pipeline = loader.from_pretrained(str(folder), use_safetensors=True)
        self.pipeline.set_progress_bar_config(disable=True)
        self.asked: list[dict[str, Any]] = []
        self.alone = threading.Lock()
        """A pipeline draws one picture at a time, each by a number of its own."""
        self.busy = 0
        """Requests that are answered by 429 before one is answered."""
        self.refused: set[str] = set()
        """Prompts that are answered by 400."""
        self.answer: Any = None
        """What is answered instead of a picture."""

    def draw(self, body: dict[str, Any]) -> Any:
        with self.alone:
            self.asked.append(body)
            return self.answer if self.answer is not None else self._drawn(body)

    def _drawn(self, body: dict[str, Any]) -> dict[str, Any]:
        with torch.inference_mode():
            draw = torch.Generator().manual_seed(len(self.asked))
            image = self.pipeline(
                body["prompt"], num_inference_steps=1, generator=draw, output_type="np"
            ).images[0]
        png = images.png(Image.fromarray(np.rint(image * 255).astype(np.uint8)))
        picture = {"b64_json": base64.b64encode(png).decode(), "revised_prompt": REVISED}
        return {"created": 1, "output_format": "png", "data": [picture]}


@contextmanager
def served(studio: Studio) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            assert self.path == "/v1/images/generations"
            assert self.headers["authorization"] == "Bearer a-secret-key"
            busy, studio.busy = studio.busy, max(0, studio.busy - 1)
            code = 429 if busy else 400 if body["prompt"] in studio.refused else 200
            answer = studio.draw(body) if code == 200 else {"error": {"message": "not drawn"}}
            data = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()
