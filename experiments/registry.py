"""The experiments, by the name that a command takes; the module of each has an `EXPERIMENT`."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from experiments.experiment import Experiment

MODULES: Final = {
    "E1": "experiments.regression",
    "E2": "experiments.gaussian",
    "E3": "experiments.kernel_density",
    "E4": "experiments.categorical",
    "E5": "experiments.language",
    "E6": "experiments.mixing_weight",
    "E7": "experiments.sampling_bias",
    "E8": "experiments.verification",
    "E9": "experiments.strong_collapse",
    "E10": "experiments.synthetic_share",
    "E11": "experiments.added_rows",
    "E12": "experiments.scaling_laws",
    "E12-emoji": "experiments.emoji_domains",
    "E13": "experiments.diffusion_lines",
    "E14": "experiments.temperature",
    "captions": "experiments.captions",
    "collapse-map": "experiments.collapse_map",
    "rare-class": "experiments.rare_class",
    "regimes": "experiments.regimes",
}
"""Their order is that of the page."""


def load(name: str) -> Experiment:
    """Load an experiment by its name."""
    found: Experiment = import_module(MODULES[name]).EXPERIMENT
    return found
