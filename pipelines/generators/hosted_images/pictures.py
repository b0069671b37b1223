"""The prompts of a round of hosted images, and the pictures that a service drew for them.

A service's pictures are far larger than the candidates that come of them. So they stay in the
cache of answers on disk, and are read one by one when the candidates of a shard are made.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.common import progress
from pipelines.common.errors import GeneratorError
from pipelines.common.shards import Shard
from pipelines.features import images
from pipelines.generators.hosted_images.settings import HostedImagesGenerate
from pipelines.generators.pool import Pool
from pipelines.generators.prompts.draws import Prompt
from pipelines.generators.protocol import GenerateRequest
from pipelines.llm import cache, image_requests
from pipelines.llm.ask import CACHE, Asking, ask_all
from pipelines.llm.costs import Ledger
from pipelines.llm.image_requests import ImageRequest
from pipelines.llm.values import Failure, Reply

IMAGE: Final = "image"
HostedRequest = GenerateRequest[HostedImagesGenerate]


@dataclass
class Pictures:
    """The prompts of a round, and what the service answered to them."""

    request: HostedRequest
    pool: Pool
    prompts: list[Prompt]
    answered: dict[int, Reply | Failure] = field(default_factory=dict)
    """By row, what was asked for so far; replies are without their pictures."""
    described: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    """By row, what is known of the file of its picture."""
    ledger: Ledger = field(default_factory=Ledger)
    """What the service has cost, over all shards."""

    @cached_property
    def requests(self) -> list[ImageRequest]:
        """One request for each candidate; equal ones are numbered."""
        settings, seen = self.request.settings, Counter[str]()
        price = settings.image_prices.get(settings.service.model)
        made = []
        for each in self.prompts:
            made.append(
                ImageRequest(
                    model=settings.service.model,
                    prompt=each.text,
                    extra=settings.service.extra_body,
                    size=settings.size,
                    quality=settings.quality,
                    response_format=settings.response_format,
                    drawing=seen[each.text],
                    price=price,
                )
            )
            seen[each.text] += 1
        return made

    @property
    def template(self) -> str | None:
        """SHA-256 of the template of prompts; None: a prompt is what a row has in a column."""
        text = self.request.settings.prompts.template
        return None if text is None else hashlib.sha256(text.encode()).hexdigest()

    def drawn(self, shard: Shard) -> tuple[list[Prompt], list[NDArray[np.float32]]]:
        """Return the prompts of a shard that have a picture, and the pictures as the data's are.

        Raises:
            GeneratorError: no request was answered.
            ServiceError: the service cannot be used, the budget would be passed, or too much
                failed.
        """
        from pipelines.features import image_fitting  # noqa: PLC0415  Pillow

        self._answer(shard)
        rows = [row for row in shard.rows if isinstance(self.answered[row], Reply)]
        if not rows:
            return [], []
        shape = images.decode(self.pool.payload[IMAGE][:1]).shape[1:]
        made = []
        replies = cache.read(CACHE, [self.requests[row].digest for row in rows])
        for row, reply in zip(rows, replies, strict=True):
            picture = image_requests.opened(reply.text)
            self.described[row] = picture.about
            made.append(image_fitting.fitted(picture.pixels / np.float32(255), shape))
        return [self.prompts[row] for row in rows], made

    def _answer(self, shard: Shard) -> None:
        """Ask for all pictures when the first shard is wanted.

        Where the round ends when enough candidates are accepted, each shard is asked for by itself.
        """
        if shard.start not in self.answered:
            by_shard = self.request.by_shard
            self._ask(shard.rows if by_shard else range(len(self.prompts)))

    def _ask(self, rows: range) -> None:
        service, requests = self.request.settings.service, [self.requests[row] for row in rows]
        planned = len(self.requests) if self.request.by_shard else None
        with progress.bar(len(requests), f"asking {service.model}") as told:
            asking = Asking(requests, service, told, self.ledger, planned, texts=False)
            (answers,) = ask_all([asking])
        if planned is None and not any(isinstance(each, Reply) for each in answers):
            reasons = [each.reason for each in answers if isinstance(each, Failure)]
            raise GeneratorError(f"no request was answered; the last one: {reasons[-1]}")
        self.answered |= dict(zip(rows, answers, strict=True))
