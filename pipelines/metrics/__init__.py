"""How far a round is from real data, and what it is worth for training.

Every figure stands beside its real-versus-real null, on a fixed number of rows and fixed features,
so that rounds compare with each other and with real data rather than with an absolute number.
"""

from __future__ import annotations

from pipelines.metrics.downstream import Labelled
from pipelines.metrics.round import Configured, Evaluation, evaluate_round
from pipelines.metrics.values import Metric

__all__ = ["Configured", "Evaluation", "Labelled", "Metric", "evaluate_round"]
