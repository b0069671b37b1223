"""Do a verifier's intervals keep their promise, and does p* say when training works?

Two simulations. The first audits verifiers whose keep rates are known, many times over, and counts
how often the 95 % intervals of φ, ψ, p and p* hold the truth. The second trains a linear classifier
on labels with error p that a verifier let through, below and above p* = φ/(φ+ψ) (Feng et al.
2024): two Gaussian classes in d dimensions, least squares, accuracy on clean labels.

    python -m benchmarks.calibration
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from expectations import calibration
from expectations.calibration import Calibration, Counts

P: Final = (0.05, 0.2, 0.4)
PHI: Final = (0.7, 0.9, 0.97)
PSI: Final = (0.05, 0.2, 0.5)
VERIFIERS: Final = ((0.9, 0.1), (0.9, 0.5), (0.6, 0.3), (0.5, 0.5))
"""(φ, ψ) of the second simulation; the last one knows nothing."""
STEPS: Final = (-0.1, 0.1)
DIMENSIONS: Final = 50
SAMPLES: Final = 20_000
DISTANCE: Final = 2.0
"""Of a class's centre from 0, in standard deviations: a perfect classifier is right in 97.7 %."""
NAMES: Final = ("φ", "ψ", "p", "p*", "p from planted errors")


def coverage(runs: int, rows: int, seed: int) -> dict[str, dict[str, float]]:
    """How often the intervals hold the truth: mean, least and most over 27 verifiers."""
    random = np.random.default_rng(seed)
    found = []
    grid = list(itertools.product(P, PHI, PSI))
    for p, phi, psi in tqdm(grid, desc="coverage", file=sys.stderr):
        truth = (phi, psi, p, phi / (phi + psi), p)
        held = [_held(random, truth, rows) for _ in range(runs)]
        found.append(np.mean(held, axis=0))
    each = np.array(found)
    return {
        name: {"mean": float(one.mean()), "least": float(one.min()), "most": float(one.max())}
        for name, one in zip(NAMES, each.T, strict=True)
    }


def _held(random: np.random.Generator, truth: tuple[float, ...], rows: int) -> NDArray[np.bool_]:
    phi, psi, p, _, _ = truth
    wrong = int(random.binomial(rows, p))
    seen = calibration.audited(
        Counts(
            rows - wrong,
            int(random.binomial(rows - wrong, phi)),
            wrong,
            int(random.binomial(wrong, psi)),
        )
    )
    kept = int(random.binomial(rows, (1 - p) * phi + p * psi))
    right, planted = int(random.binomial(rows, phi)), int(random.binomial(rows, psi))
    counts = Counts(rows, right, rows, planted)
    guessed = calibration.planted(counts, kept=kept, candidates=rows)
    return _inside([*_all(seen), guessed.error], truth)


def _all(found: Calibration) -> list[calibration.Estimate]:
    return [found.keep_correct, found.keep_wrong, found.error, found.threshold]


def _inside(estimates: list[calibration.Estimate], truth: tuple[float, ...]) -> NDArray[np.bool_]:
    pairs = zip(estimates, truth, strict=True)
    return np.array([each.low <= true <= each.high for each, true in pairs])


def training(seed: int, *, samples: int = SAMPLES) -> list[dict[str, float]]:
    """Accuracy of a classifier trained on what verifiers let through, around p*."""
    random = np.random.default_rng(seed)
    return [
        {"phi": phi, "psi": psi, "p": phi / (phi + psi) + step, "step": step}
        | {"accuracy": _accuracy(random, phi, psi, phi / (phi + psi) + step, samples)}
        for phi, psi in VERIFIERS
        for step in STEPS
    ]


def _accuracy(random: np.random.Generator, phi: float, psi: float, p: float, samples: int) -> float:
    axis = random.standard_normal(DIMENSIONS)
    centre = axis * (DISTANCE / np.linalg.norm(axis))
    inputs, right = _classes(random, centre, samples)
    wrong = random.random(samples) < p
    kept = random.random(samples) < np.where(wrong, psi, phi)
    labels = np.where(wrong, -right, right)[kept]
    learned, *_ = np.linalg.lstsq(inputs[kept], labels, rcond=None)
    fresh, truth = _classes(random, centre, samples)
    return float(np.mean(np.sign(fresh @ learned) == truth))


def _classes(
    random: np.random.Generator, centre: NDArray[np.float64], samples: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Inputs [n, d] of two classes, around the centre and around its opposite, and labels ±1."""
    labels = random.choice([-1.0, 1.0], samples)
    return labels[:, None] * centre + random.standard_normal((samples, len(centre))), labels


def main() -> None:
    """Run both simulations and print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration")
    parser.add_argument("--runs", type=int, default=400, help="audits of each verifier")
    parser.add_argument("--rows", type=int, default=400, help="rows of an audit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found: dict[str, Any] = {
        "coverage": coverage(asked.runs, asked.rows, asked.seed),
        "training": training(asked.seed),
    }
    print(json.dumps(found, indent=2) if asked.json else table(found, asked.runs, asked.rows))


def table(found: dict[str, Any], runs: int, rows: int) -> str:
    """Both results as text."""
    lines = [
        f"how often a 95 % interval holds the truth ({runs} audits of {rows} rows, 27 verifiers)"
    ]
    lines += [f"{'':<24}{'mean':>8}{'least':>8}{'most':>8}"]
    lines += [
        f"{name:<24}{each['mean']:>8.3f}{each['least']:>8.3f}{each['most']:>8.3f}"
        for name, each in found["coverage"].items()
    ]
    lines += ["", "accuracy on clean labels after training on what the verifier kept"]
    lines += [f"{'φ':>6}{'ψ':>6}{'p*':>8}{'at p* − 0.1':>14}{'at p* + 0.1':>14}"]
    each = found["training"]
    for below, above in zip(each[::2], each[1::2], strict=True):
        limit = below["p"] - below["step"]
        lines.append(
            f"{below['phi']:>6.2f}{below['psi']:>6.2f}{limit:>8.3f}"
            f"{below['accuracy']:>14.3f}{above['accuracy']:>14.3f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
