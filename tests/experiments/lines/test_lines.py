"""A line goes through the real stages of a project of its own, whatever the guard says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from experiments.lines import by_dvc, following, project, worlds
from experiments.lines.plugins import mixtures, word_chains, words
from experiments.lines.project import Regime
from experiments.lines.worlds import World
from lake.home import LakeHome
from lineage.evidence import Evidence
from lineage.limits import Limits
from pipelines.common.errors import GeneratorError
from pipelines.features import images
from pipelines.metrics import Labelled

SEED = 3
LINE = Regime("again", "replace")


def small(folder: Path) -> World:
    """Digits of which the lake gets few rows, set up in a folder."""
    with project.scratch(folder), following.quiet():
        whole = worlds.world(worlds.DIGITS, SEED)
        source = whole.source[:200]
        worlds.world.cache_clear()
    entry = {
        **whole.entry,
        "generate": {"candidates": 60},
        "evaluate": {"null_draws": 2, "bootstrap": 10},
        "verify": {"scorers": {"distance": {}}},
    }
    rules = [
        each
        for each in whole.suite["expectations"]
        if each["meta"]["name"] in ("real_distance_known", "not_a_copy", "enough_candidates")
    ]
    suite = {**whole.suite, "expectations": rules}
    return replace(whole, source=source, entry=entry, suite=suite)


def test_a_line_goes_on_although_the_guard_blocks_and_leaves_nothing(tmp_path: Path) -> None:
    world = small(tmp_path)
    before = dict(os.environ)
    with project.scratch(tmp_path):
        first, second = following.follow(world, LINE, SEED, 2)
        assert LakeHome(tmp_path / ".lake").serving() is not None
    assert LakeHome(tmp_path / ".lake").serving() is None
    assert dict(os.environ) == before
    assert (first.round, second.round) == (1, 2)
    assert "real_share" in second.blocking  # two generations from real rows, and none in the mix
    assert second.summary["real_share"] == 0
    assert first.accepted == 1.0  # nothing was verified
    assert 0.5 < second.test < 1
    assert second.gained.low <= second.gained.value <= second.gained.high
    assert (tmp_path / "config" / "stemma" / "signing-key.pem").exists()


@pytest.mark.slow
def test_a_line_by_dvc_has_the_figures_of_one_in_this_process(tmp_path: Path) -> None:
    world = small(tmp_path)
    found = []
    for name, follow in (("here", following.follow), ("dvc", by_dvc.follow)):
        (tmp_path / name).mkdir()
        with project.scratch(tmp_path / name):
            found.append(list(follow(world, LINE, SEED, 1)))
    assert found[0] == found[1]


def test_verdicts_count_only_where_a_regime_says_so_and_never_about_the_round() -> None:
    suite = {
        "name": "x",
        "expectations": [
            {"type": "expect_column_values_to_be_between", "severity": "critical"},
            {"type": "expect_column_pair_values_to_be_equal", "severity": "critical"},
            {"type": "expect_column_classes_to_have_support", "severity": "critical"},
            {"type": "expect_table_row_count_to_be_between", "severity": "critical"},
        ],
    }

    def severities(*, verified: bool) -> list[str]:
        expectations = project.suite_of(suite, verified=verified)["expectations"]
        return [each["severity"] for each in expectations]

    assert severities(verified=True) == ["critical", "critical", "warning", "warning"]
    assert severities(verified=False) == ["warning"] * 4


def test_a_mixture_draws_what_it_learnt(tmp_path: Path) -> None:
    pixels = np.zeros((40, 8, 8), np.float32)
    pixels[::2, 0, :] = 1.0
    pixels[1::2, :, 0] = np.linspace(0.5, 1, 20, dtype=np.float32)[:, None]
    rows = pl.DataFrame(
        {"image": images.encode_lenient(pixels), "label": [0, 1] * 20, "weight": [1.0] * 40}
    )
    kept = mixtures._fitted(pixels[1::2].reshape(20, 64).astype(float), mixtures.MixturesFit(), 0)
    drawn = mixtures._drawn(kept, kept["centre"], 500, np.random.default_rng(0))
    assert np.allclose(drawn.mean(axis=0).reshape(8, 8)[:, 0], 0.75, atol=0.05)
    assert np.abs(drawn.reshape(-1, 8, 8)[:, :, 1:]).max() < 0.2
    with pytest.raises(GeneratorError, match="count every row once"):
        mixtures.Mixtures().fit(
            rows.with_columns(weight=pl.Series([2.0, 1.0] * 20)),
            mixtures.MixturesFit(),
            0,
            tmp_path,
        )


def test_chains_say_what_follows_in_the_mix_and_nothing_else() -> None:
    mix = pl.DataFrame(
        {
            "prompt": ["what is the sea", "what is the sea"],
            "completion": ["the sea is salt", "the sea is deep"],
            "label": ["sea", "sea"],
        }
    )
    table: Mapping[str, object] = word_chains.successors(mix)
    assert table["is"] == ["the", "salt", "the", "deep"]
    assert table[word_chains.TURN] == ["the", "the"]
    known, draw = word_chains.chains(mix), np.random.default_rng(0)
    made = [word_chains.dialogue(known, 0.1, draw) for _ in range(40)]
    assert {word for row in made for word in " ".join(row[:2]).split()} == {
        *("what", "is", "the", "sea", "salt", "deep")
    }
    assert len({completion for _, completion, _ in made}) > 2
    assert {topic for *_, topic in made} == {"sea"}


def test_a_check_of_ones_own_blocks_a_mix_that_has_lost_words() -> None:
    texts = Labelled(np.zeros((2, 1), np.float32), np.zeros(2), inputs=np.asarray(["a b", "b C"]))
    assert words.distinct(texts) == 3

    def judged(value: float) -> str:
        metrics = {"mix": {"vocabulary": {"value": value, "null": 10.0}}}
        evidence = Evidence(
            "d", 1, pl.DataFrame(), None, {}, pl.DataFrame(), pl.DataFrame(), metrics
        )  # type: ignore[arg-type]
        return words.KeepsWords().judge(evidence, Limits(), words.KeepsWordsSettings()).verdict

    assert (judged(6.0), judged(5.9)) == ("pass", "block")
