"""One client that asks the fake service so many requests; prints its processor seconds.

    python -P benchmarks/asking_workers.py ask 1000

Imports are part of the time, as they are for whoever runs it. It is a file and no module of the
package, so that another interpreter without this project's requirements can run it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

AT_ONCE = 16
SCHEMA = {
    "type": "object",
    "properties": {
        "question": {"type": "string", "maxLength": 300},
        "answer": {"type": "string", "maxLength": 300},
    },
    "required": ["question", "answer"],
    "additionalProperties": False,
}


def messages(number: int) -> list[dict[str, str]]:
    """The messages of a request, each another one."""
    return [
        {"role": "system", "content": "You write a dialogue."},
        {"role": "user", "content": f"Write number {number}. " * 10},
    ]


def body(number: int) -> dict[str, Any]:
    """The body of a request."""
    named = {"name": "answer", "strict": True, "schema": SCHEMA}
    return {
        "model": "fake-1",
        "messages": messages(number),
        "temperature": 1.0,
        "max_tokens": 256,
        "seed": number,
        "response_format": {"type": "json_schema", "json_schema": named},
    }


def ask(count: int) -> None:
    """Ask as a round does: validated, kept on disk, within a budget."""
    from pipelines.llm.ask import ask as ask_all  # noqa: PLC0415
    from pipelines.llm.settings import Service  # noqa: PLC0415
    from pipelines.llm.values import Reply, request  # noqa: PLC0415

    service = Service(model="fake-1", concurrency=AT_ONCE)
    requests = [request(service, messages(n), schema=dict(SCHEMA), seed=n) for n in range(count)]
    replies = ask_all(requests, service, cache=Path("cache"))
    if not all(isinstance(reply, Reply) for reply in replies):
        sys.exit("a request failed")


def aiohttp(count: int) -> None:
    """Post the same bodies, and read no answer."""
    import aiohttp as library  # noqa: PLC0415

    async def run() -> None:
        async with library.ClientSession(headers=headers()) as session:

            async def post(number: int) -> None:
                data = json.dumps(body(number)).encode()
                async with session.post(url(), data=data) as response:
                    await response.read()

            await gather(post, count)

    asyncio.run(run())


def httpx(count: int) -> None:
    """Post the same bodies, and read no answer."""
    import httpx as library  # noqa: PLC0415

    async def run() -> None:
        async with library.AsyncClient(headers=headers()) as client:

            async def post(number: int) -> None:
                await client.post(url(), content=json.dumps(body(number)).encode())

            await gather(post, count)

    asyncio.run(run())


def openai(count: int) -> None:
    """Ask by the openai package as its documentation does."""
    import openai as library  # noqa: PLC0415

    async def run() -> None:
        async with library.AsyncOpenAI() as client:

            async def post(number: int) -> None:
                await client.chat.completions.create(**body(number))

            await gather(post, count)

    asyncio.run(run())


def instructor(count: int) -> None:
    """Ask by instructor, which validates by a pydantic model."""
    import instructor as library  # noqa: PLC0415
    import openai as openai_library  # noqa: PLC0415
    import pydantic  # noqa: PLC0415

    class Answer(pydantic.BaseModel):
        question: str
        answer: str

    async def run() -> None:
        client = library.from_openai(openai_library.AsyncOpenAI(), mode=library.Mode.JSON_SCHEMA)

        async def post(number: int) -> None:
            await client.chat.completions.create(
                model="fake-1", messages=messages(number), seed=number, response_model=Answer
            )

        await gather(post, count)

    asyncio.run(run())


def curator(count: int) -> None:
    """Ask by Bespoke Labs' Curator, which keeps answers on disk.

    Its own structured output asks the service about a person first, whom the fake one does not
    know; so each answer is read as JSON with two columns when it is parsed, and no more.
    """
    package = find_spec("litellm")
    folder = Path(package.origin or "").parent if package is not None else Path()
    os.environ |= {  # the tokenizer that it would fetch is in a package that it requires
        "TIKTOKEN_CACHE_DIR": str(folder / "litellm_core_utils" / "tokenizers"),
        "CURATOR_VIEWER": "0",
        "TELEMETRY_ENABLED": "false",
        "CURATOR_DISABLE_RICH_DISPLAY": "1",
    }
    from bespokelabs import curator as library  # noqa: PLC0415
    from datasets import Dataset  # noqa: PLC0415

    class Asker(library.LLM):
        def prompt(self, row: dict[str, Any]) -> list[dict[str, str]]:
            return messages(row["number"])

        def parse(self, _row: dict[str, Any], response: str) -> dict[str, Any]:
            answer = json.loads(response)
            return {name: answer[name] for name in ("question", "answer")}

    asker = Asker(
        model_name="fake-1",
        backend="openai",
        backend_params={
            "base_url": os.environ["OPENAI_BASE_URL"],
            "max_concurrent_requests": AT_ONCE,
            "max_requests_per_minute": 10_000_000,
            "max_tokens_per_minute": 1_000_000_000,
        },
    )
    asker(Dataset.from_dict({"number": list(range(count))}), working_dir="curator")


def data_designer(count: int) -> None:
    """Ask by NVIDIA's Data Designer, which keeps finished groups of rows on disk."""
    os.environ |= {"NEMO_TELEMETRY_ENABLED": "false"}
    import data_designer.config as dd  # noqa: PLC0415
    from data_designer.interface import DataDesigner  # noqa: PLC0415

    service = dd.ModelProvider(
        name="fake",
        endpoint=os.environ["OPENAI_BASE_URL"],
        api_key="OPENAI_API_KEY",  # name of the variable
    )
    sent = dd.ChatCompletionInferenceParams(
        temperature=1.0, max_tokens=256, max_parallel_requests=AT_ONCE
    )
    model = dd.ModelConfig(
        alias="asked",
        model="fake-1",
        provider="fake",
        inference_parameters=sent,
        skip_health_check=True,
    )
    builder = dd.DataDesignerConfigBuilder(model_configs=[model])
    numbers = dd.UniformSamplerParams(low=0, high=1e9)
    builder.add_column(
        dd.SamplerColumnConfig(name="number", sampler_type="uniform", params=numbers)
    )
    builder.add_column(
        dd.LLMStructuredColumnConfig(
            name="written",
            model_alias="asked",
            system_prompt="You write a dialogue.",
            prompt="Write number {{ number }}. " * 10,
            output_format=SCHEMA,
        )
    )
    designer = DataDesigner(artifact_path=Path("designed"), model_providers=[service])
    made = designer.create(builder, num_records=count).load_dataset()
    if len(made) != count:
        sys.exit(f"{count - len(made)} requests failed")


def headers() -> dict[str, str]:
    """Headers of the plain clients."""
    key = os.environ["OPENAI_API_KEY"]
    return {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}


def url() -> str:
    """Where the plain clients post."""
    return f"{os.environ['OPENAI_BASE_URL']}/chat/completions"


async def gather(post: Callable[[int], Awaitable[None]], count: int) -> None:
    """Post all requests, some at once."""
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await post(number)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


WAYS = (ask, aiohttp, httpx, openai, instructor, curator, data_designer)


def main() -> None:
    """Run a client, and print the processor seconds of this process and its children."""
    parser = argparse.ArgumentParser(prog="python -P benchmarks/asking_workers.py")
    parser.add_argument("client", help="such as ask, aiohttp or curator")
    parser.add_argument("count", type=int, help="requests")
    options = parser.parse_args()
    client, count = options.client, options.count
    ways = {f.__name__: f for f in WAYS}
    if client not in ways:
        sys.exit(os.EX_UNAVAILABLE)
    try:
        ways[client](count)
    except ModuleNotFoundError:
        sys.exit(os.EX_UNAVAILABLE)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(sum(each.ru_utime + each.ru_stime for each in used))


if __name__ == "__main__":
    main()
