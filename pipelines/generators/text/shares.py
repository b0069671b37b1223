"""Which service makes which candidate, where a round has several."""

from __future__ import annotations

import numpy as np

from pipelines.common.seeds import derive_seed
from pipelines.generators.protocol import STAGE, GenerateRequest
from pipelines.generators.text.settings import TextGenerate
from pipelines.llm.settings import Service


def services(request: GenerateRequest[TextGenerate]) -> list[Service]:
    """Assign a service to each candidate: by shares, in an order drawn by seed."""
    settings = request.settings
    if not settings.services:
        return [settings.service] * request.candidates
    weights = np.asarray([each.share for each in settings.services])
    exact = weights / weights.sum() * request.candidates
    counts = np.floor(exact).astype(np.int64)
    largest = np.argsort(counts - exact, kind="stable")  # largest remainders first
    counts[largest[: request.candidates - counts.sum()]] += 1
    seed = derive_seed(request.seed, request.dataset, request.round, STAGE, "services")
    numbers = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    return [settings.services[number].service for number in numbers]
