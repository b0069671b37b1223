"""The plots over rounds that a data set gets in dvc.yaml, by what its rounds are measured by."""

from __future__ import annotations

from typing import Any, Final

from pipelines.metrics.registry import TASKS
from pipelines.params import Dataset

LABELS: Final = {"accuracy": "accuracy", "macro_f1": "macro-F1", "r2": "R²"}
"""Names of figures in titles, where they are written otherwise."""
SHAPE: Final[dict[str, tuple[list[str], str]]] = {
    "recall and coverage against the real-versus-real null": (
        ["recall_null", "recall_round", "recall_mix", "coverage_round", "coverage_mix"],
        "share",
    ),
    "distance from real data": (
        ["real_share", "real_inputs", "depth_mean"],
        "share, or generations",
    ),
    "variance against real data": (["variance_round", "variance_mix"], "ratio"),
}
VARIETY: Final = (
    ["distinct_2_null", "distinct_2_round", "self_bleu_null", "self_bleu_round"],
    "share of distinct bigrams, and self-BLEU",
)


def of_dataset(name: str, settings: Dataset, task: str | None) -> list[dict[str, Any]]:
    """Return the plots of a data set, each as an entry of `plots` in dvc.yaml.

    Args:
        name: Of the data set.
        settings: Its settings.
        task: The downstream task by which mixes are judged; None: there is none.
    """
    history = f"reports/{name}/history.csv"
    plots = dict(SHAPE)
    if "text_variety" in settings.modality.metrics:
        plots["variety of texts against real ones"] = VARIETY
    if task is not None:
        figure = TASKS.find(task).figure
        label = LABELS.get(figure, figure)
        columns = [f"{figure}_real_only", f"{figure}_mix"]
        plots = {f"{label} on real validation data": (columns, label), **plots}
    drawn: list[dict[str, Any]] = [
        {f"{name}, {title}": {"x": "round", "y": {history: columns}, "y_label": label}}
        for title, (columns, label) in plots.items()
    ]
    rates = {
        "template": "pass_rates",
        "x": "round",
        "y": {f"reports/{name}/pass_rates.csv": "pass_rate"},
        "y_label": "share of verdicts that passed",
    }
    return [*drawn, {f"{name}, pass rate of each expectation": rates}]
