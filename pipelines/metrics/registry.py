"""Metrics of a round and downstream tasks, by name, by module or by file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipelines.common.plugins import Registry

if TYPE_CHECKING:
    from pipelines.metrics.protocol import RoundMetric, Task

METRICS: Final[Registry[RoundMetric[Any]]] = Registry(
    "metric",
    "pipelines.metrics.protocol:RoundMetric",
    {
        "classes": "pipelines.metrics.classes:Classes",
        "clipped": "pipelines.metrics.clipped:Clipped",
        "content": "pipelines.metrics.content:Content",
        "entropy": "pipelines.metrics.entropy:Entropy",
        "meaning_variety": "pipelines.metrics.text_meaning_variety:MeaningVariety",
        "neighbours": "pipelines.metrics.neighbours:Neighbours",
        "rare_class": "pipelines.metrics.rare_class:RareClass",
        "selection": "pipelines.metrics.selection:Selection",
        "shape": "pipelines.metrics.shape:Shape",
        "style": "pipelines.metrics.style:Style",
        "table_neighbours": "pipelines.metrics.table_neighbours:TableNeighbours",
        "table_fidelity": "pipelines.metrics.table_fidelity:TableFidelity",
        "text_neighbours": "pipelines.metrics.text_neighbours:TextNeighbours",
        "text_variety": "pipelines.metrics.variety:TextVariety",
        "training_distance": "pipelines.metrics.training_distance:TrainingDistance",
        "verifier_pull": "pipelines.metrics.verifier_pull:VerifierPull",
    },
)
TASKS: Final[Registry[Task[Any]]] = Registry(
    "task",
    "pipelines.metrics.protocol:Task",
    {
        "image_labels": "pipelines.metrics.tasks:ImageLabels",
        "nearest_labels": "pipelines.metrics.tasks:NearestLabels",
        "table_labels": "pipelines.metrics.table_tasks:TableLabels",
        "table_target": "pipelines.metrics.table_tasks:TableTarget",
        "text_labels": "pipelines.metrics.tasks:TextLabels",
        "text_likelihood": "pipelines.metrics.tasks:TextLikelihood",
        "view_labels": "pipelines.metrics.view_task:ViewLabels",
    },
)
