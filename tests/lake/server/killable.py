"""A lake whose server a test kills at a failpoint, and a client's view of one repository."""

from __future__ import annotations

import itertools
import signal
from pathlib import Path
from typing import Any

import httpx

from lake.server.failpoints import VARIABLE
from tests.lake.servers import start

_NUMBERS = itertools.count(1)
State = dict[str, Any]


class KillableLake:
    """A server that is killed at the failpoints that `arm` names, and the repository in use."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.order = home.parent / "order"
        self.name = ""
        self.place = Path()
        self.restart()

    def restart(self) -> None:
        """Start a server of the lake as it is."""
        self.order.unlink(missing_ok=True)
        self.served = start(self.home, extra={VARIABLE: str(self.order)})
        self.api = self.served.http()

    def arm(self, point: str) -> None:
        self.order.write_text(point, encoding="utf-8")

    def was_killed(self) -> bool:
        """Tell whether the server has been killed, and has not just failed."""
        self.api.close()
        return self.served.process.wait(10) == -signal.SIGKILL

    def stop(self) -> None:
        self.api.close()
        self.served.kill()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.api.request(method, f"/repositories/{self.name}{path}", **options)

    def succeed(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.request(method, path, **options).raise_for_status()

    def results(self, path: str) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = self.succeed("GET", path).json()["results"]
        return answer

    def bytes(self, text: str) -> bytes:
        """Bytes that no other repository has."""
        return f"{text} of {self.name}".encode()

    def upload(self, path: str, branch: str = "main") -> None:
        where = f"/branches/{branch}/objects"
        self.succeed("POST", where, params={"path": path}, content=self.bytes(path))

    def commit(self, message: str, branch: str = "main") -> None:
        self.succeed("POST", f"/branches/{branch}/commits", json={"message": message})

    def create(self) -> httpx.Response:
        wanted = {"name": self.name, "storage_namespace": f"local://{self.name}"}
        return self.api.post("/repositories", json=wanted)

    def new_repository(self) -> None:
        """A new repository: two branches that differ, a tag, and something staged on a third."""
        self.name = f"killable-{next(_NUMBERS)}"
        self.create().raise_for_status()
        self.upload("base")
        self.commit("base")
        self.succeed("POST", "/tags", json={"id": "v1", "ref": "main"})
        for branch in ("side", "rest"):
            self.succeed("POST", "/branches", json={"name": branch, "source": "main"})
        self.upload("side", "side")
        self.commit("side", "side")
        self.upload("main")
        self.commit("main")
        self.upload("staged", "rest")

    def files(self, ref: str) -> dict[str, bytes]:
        return {
            item["path"]: self.succeed("GET", f"/refs/{ref}/objects", params={"path": item["path"]})
            .content.replace(self.name.encode(), b"")
            for item in self.results(f"/refs/{ref}/objects/ls")
        }  # fmt: skip

    def state(self) -> State:
        """All that a client sees, without what differs from one repository to the next."""
        if self.request("GET", "").status_code == httpx.codes.NOT_FOUND:
            return {}
        seen: State = {}
        for kind in ("branches", "tags"):
            for name in (ref["id"] for ref in self.results(f"/{kind}")):
                log = self.results(f"/refs/{name}/commits")
                seen[f"{kind}/{name}"] = {
                    "log": [
                        (item["message"].partition(" ")[0], item["generation"]) for item in log
                    ],
                    "files": self.files(name),
                }
        for name in (ref["id"] for ref in self.results("/branches")):
            diff = self.results(f"/branches/{name}/diff")
            seen[f"staged/{name}"] = {(item["path"], item["type"]) for item in diff}
        return seen
