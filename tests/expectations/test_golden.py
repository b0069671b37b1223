"""Verdicts and figures for fixed inputs are pinned: a change of output needs a raised version."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
import polars as pl
import pytest

import expectations
from expectations import custom, details, gx, outcomes, patterns, verifier, versions
from expectations.custom.coverage import ExpectRowsCoverageToBeBetween
from expectations.custom.depth import ExpectColumnDepthToBeBetween
from expectations.custom.distinct_ngrams import ExpectColumnDistinctNgramsToBeBetween
from expectations.custom.kolmogorov_smirnov import ExpectColumnKolmogorovSmirnovToBeBetween
from expectations.measures import (
    clipped,
    distributions,
    entropy,
    features,
    manifold,
    meaning,
    null,
    pixels,
    points,
    text_diversity,
    twosample,
    vendi_score,
)
from expectations.suite import Rule, Suite
from tests import golden
from tests.expectations.conftest import png

GOLDEN: Final[Mapping[str, str]] = {
    "class_shares/1": "998c0144bde75460527a7b5f89bc0476314df82e770a2b1a00379316d4d7e2ea",
    "class_support/1": "2d4a463f6e847b98cc58e94ec95e83d80e002412e037b31c0596f8c659f46e05",
    "clipped/1": "9b9b7aa30fc09d44cde406ac2da4585dd1dea5ce5caed30957bbffd63dded2c6",
    "compared/1": "0846aac8d1804e79e75318309202f84c18c9b3986770d464978b890d8a7c6a3a",
    "compression/1": "74173a1b5835596640885b95961d274149be62fabfe7595af2a001d1d2050341",
    "coverage/1": "98fa3847dda7fbb87a68addd116624a2fd367df5b00f6f7f7d3407c854d133ed",
    "decodable_images/1": "339eb4b7bc08fe213da4af008c7e74cf2be2234e72ba9f40699b1e1c050500e2",
    "depth/1": "e7565a6a69c0bff8b91ad01d7d1ba7c08cb984ec24997098d45bb27552842021",
    "distinct_ngrams/1": "fe4ac071be98a2b1b35604f31493c85d59a3e557f1331530426499c3382c61cf",
    "distributions/1": "30d5834bfb0dca29ccd457a0abdfc4ef34aa08438e602978251e77fb5b49b57d",
    "entropy/1": "a6dbb354aee934f1f01b62f04bef248c10fac0edab49f06c413f1d88eca68705",
    "features/1": "8d24e0bcf53b3d5a4a5eb9dc5001a24264d23c2e89d47072508d264df7f1fd48",
    "kolmogorov_smirnov/1": "660b2b57dca8ea27aa78355635a03f26c2e112e4c30d07276a73149133bebd3f",
    "manifold/1": "8e2651a9ad9d3887c2e1545880ea5e2267c762371f35117d41c08ae0434e306d",
    "meaning/1": "da6aa439e19872b0b0cc99d8e140d9eae3ae5bf9efa038970677bb73f1f388cf",
    "null/1": "232168f364a7f0ad9f6ddc493b52ce8bdba34511aa39dc585f6a4d40fec87500",
    "outcomes/1": "04cd737ba87c0203a8099a15506174edca2979e83e0fd2f539a4da770611934b",
    "overlap/1": "e68944aba70bc58e3f07c0e6336eb5061fbbb38959bf61350fc150da33296109",
    "patterns/1": "036b5fd00ad62136808ac3fee360af0d616ba30d6bb0c4dcb777d31fe4cb11c5",
    "pixels/1": "cd665b85c82148db388235ae660e40ea32c594416f1e31848f18924a280bfe0e",
    "points/1": "44948e1571fdd92dc3fce8a0f4f18bdfa6c3397791b31873ed1a1e219844bcdf",
    "real_share/1": "128d6fff36c8efd86b618b2a2f9dd978bb0b0bf673bb4e010e2624ba5038fd14",
    "recall/1": "bcb0f7b4e6712c506a375f0cd6ee9fd3715db6d2277110545bd2332d42f0d186",
    "table/1": "36b6d280ea8af0b64c4b55dd83b5229c93af1b7f1de89616a58eff82f16bde16",
    "text_diversity/2": "243b39920265746d877108f9ecf2580a3ce183b4ec74f9b9f0cf8e12260207e1",
    "texts/1": "ff1d2cf444cea1291923ef46cf5d83bb6a6ddd32407e81efa8790bf117b3eb52",
    "total_variation/1": "0976bc73ecd29ac672840056ce1d2a49878d141029f0c8c70df6f3ea74543340",
    "two_sample/1": "9a66202f32fea4b88e8682c69b65b306ad28966ae07eb200a642a1699ef9d7c4",
    "twosample/1": "debaefe5e3dc1848d2ec931b2354828a4926b7ea9c676c7db15d4d9d6c6ee9b1",
    "vendi/1": "1163c469de6dbc2e72ffd9afdb72f7f2c10aa0bc8c1ebfec8db70c55dcb0fc2e",
    "vendi_score/1": "91422bc25c0a945ae11e129651a81e1f7b018da4fcc79b34ce064c43ae727438",
    "verifier/1": "82c8062788105999db343c6d12f4df289e801462fb6a9e7530b2fa6f7cc118a7",
    "wasserstein/1": "fb8979aaea41f0e62353b212c85975e45a6a0cc6ab377cd68429b07f0d061f1e",
}
"""Digests of output by version."""

ROOT: Final = Path(expectations.__file__).parents[1]
ROWS: Final = 64
NOT_NULL: Final = "expect_column_values_to_not_be_null"
BETWEEN: Final = "expect_column_values_to_be_between"
REGEX: Final = "expect_column_values_to_match_regex"
SCHEMA: Final = "expect_column_values_to_match_json_schema"


def rows(seed: int, shift: float) -> pl.DataFrame:
    """Rows with numbers, classes, texts, images and lineage, fixed by a seed."""
    draw = np.random.default_rng(seed)
    values = draw.normal(shift, 1.0, (ROWS, 2))
    words = draw.integers(40, size=(ROWS, 6))
    levels = draw.integers(0, 256, ROWS)
    return pl.DataFrame(
        {
            "round": pl.Series([2] * ROWS, dtype=pl.Int32),
            "row": np.arange(ROWS),
            "x": values[:, 0],
            "y": values[:, 1],
            "label": np.where(values[:, 0] > shift, "a", "b"),
            "text": [" ".join(f"w{word}" for word in line) for line in words],
            "image_bytes": [png(int(level), size=(3, 3)) for level in levels],
            "depth_mean": np.linspace(1.0, 2.0, ROWS),
            "real_inputs": np.linspace(0.2, 0.6, ROWS),
        }
    )


CANDIDATES: Final = rows(1, 0.4)
REAL: Final = pl.concat([rows(2, 0.0), rows(3, 0.0)])
XY: Final = {"column_list": ["x", "y"]}
COMPARED: Final = {"max_ratio": 1.1, "draws": 20}
ARGUMENTS: Final[Mapping[str, dict[str, Any]]] = {
    "class_shares": {"column": "label", "min_value": 0.99, "min_p_value": 0.05},
    "class_support": {"column": "label", "classes": ["a", "b", "c"], "min_count": 2},
    "compression": {"column": "text", "max_ratio": 1.01, "draws": 20},
    "coverage": XY | {"min_ratio": 0.99, "draws": 20},
    "decodable_images": {"column": "image_bytes", "mode": "L", "width": 3, "height": 3},
    "depth": {"column": "depth_mean", "quantile": 0.9, "max_value": 1.5},
    "distinct_ngrams": {"column": "text", "min_ratio": 1.01, "draws": 20},
    "kolmogorov_smirnov": {"column": "x"} | COMPARED,
    "real_share": {"column": "real_inputs", "min_value": 0.5},
    "recall": XY | {"min_ratio": 1.1, "draws": 20},
    "total_variation": {"column": "x", "bins": 5} | COMPARED,
    "two_sample": XY | {"max_value": 0.5, "classifier": "logistic"},
    "vendi": XY | {"min_ratio": 1.2, "draws": 20},
    "wasserstein": {"column": "x"} | COMPARED,
}
"""Arguments under which each expectation judges the fixed rows, by the name of its version."""


def rule(name: str, kind: str, **kwargs: object) -> Rule:
    return Rule(name, kind, kwargs, "critical", {})


def suite_of(*judging: Rule) -> Suite:
    """A suite that asks for a value in each column that a rule judges."""
    columns = dict.fromkeys(column for each in judging for column in each.columns)
    asked = (rule(f"{column} known", NOT_NULL, column=column) for column in columns)
    return Suite("golden", (*asked, *judging))


def verdicts(frame: pl.DataFrame, *judging: Rule) -> list[dict[str, Any]]:
    found = verifier.verify(frame, suite_of(*judging), reference={"real": REAL}).verdicts
    return found.filter(pl.col("expectation").is_in([each.name for each in judging])).to_dicts()


def of_expectation(kind: type[gx.Expectation]) -> list[dict[str, Any]]:
    """The verdicts of an expectation of ours on the fixed rows."""
    arguments = ARGUMENTS[name_of(kind)]
    broken = pl.when(pl.col("row") % 5 > 0).then("image_bytes").otherwise(pl.lit(b"none"))
    return verdicts(
        CANDIDATES.with_columns(broken.alias("image_bytes")),
        rule("judged", kind.expectation_type, **arguments),
    )


def of_verifier() -> list[dict[str, Any]]:
    """Every kind of verdict on a row: passed, failed, unknown, and one that cannot be judged."""
    frame = CANDIDATES.head(8).with_columns(
        x=pl.Series([0.0, 2.0, None, float("nan"), -3.0, 0.5, 0.1, 0.2]),
        word=pl.Series(["a", "b", None, "a", "c", "a", "b", "b"]),
    )
    return verdicts(
        frame,
        rule("bounded", BETWEEN, column="x", min_value=-1, max_value=1),
        rule("word set", "expect_column_values_to_be_in_set", column="word", value_set=["a", "b"]),
        rule("mean", "expect_column_mean_to_be_between", column="y", max_value=-5.0),
        rule("pair", "expect_column_pair_values_to_be_equal", column_A="x", column_B="y"),
        rule("not comparable", BETWEEN, column="text", min_value=3, max_value=4),
    )


def of_outcomes() -> list[dict[str, Any]]:
    """What Great Expectations is read to have said, by position in the batch."""
    frame = CANDIDATES.head(6).with_columns(x=pl.Series([0.0, 2.0, None, -3.0, 0.5, 9.0]))
    judging = (
        rule("bounded", BETWEEN, column="x", min_value=-1, max_value=1),
        rule("mean", "expect_column_mean_to_be_between", column="y", max_value=-5.0),
        rule("not comparable", BETWEEN, column="text", min_value=3, max_value=4),
        rule("matched", REGEX, column="text", regex=r"w1\b"),
    )
    return [
        {
            "problem": each.problem,
            "success": each.success,
            "failing": None if each.failing is None else each.failing.to_list(),
            "observed": each.observed,
        }
        for each in outcomes.outcomes(frame, suite_of(*judging))
    ]


def of_patterns() -> list[dict[str, Any]]:
    """Patterns that Polars matches, patterns that only Python's `re` matches, and a JSON schema."""
    texts = pl.Series(["w1 w2", "w12", "", "{}", '{"a": 1}', '{"a": "b"}', "é", "w\n"]).to_pandas()
    schema = {"type": "object", "properties": {"a": {"type": "number"}}}
    judging = (
        rule("linear", REGEX, column="text", regex=r"^w[0-9]+$"),
        rule("python", REGEX, column="text", regex=r"(?<=w)\d\b"),
        rule("absent", "expect_column_values_to_not_match_regex", column="text", regex="w."),
        rule("schema", SCHEMA, column="text", json_schema=schema),
    )
    return [{"failing": patterns.judged(each, texts).failing.tolist()} for each in judging]


def numbers(frame: pl.DataFrame) -> np.ndarray:
    return frame.select("x", "y").to_numpy()


def of_null() -> object:
    found = null.compare(
        lambda left, right: float(left.mean() - right.mean()),
        CANDIDATES["x"].to_numpy(),
        REAL["x"].to_numpy(),
        draws=20,
        max_rows=50,
        seed=3,
    )
    chances = [found.p_value(side) for side in ("high", "low", "both")]
    return [found.value, found.null.tolist(), found.candidates, found.real, found.ratio, chances]


def of_distributions() -> object:
    left, right = CANDIDATES["x"].to_numpy(), REAL["x"].to_numpy()
    counts = [
        np.bincount(distributions.binned(right, 4)(each), minlength=4) for each in (left, right)
    ]
    return [
        distributions.kolmogorov_smirnov(left, right),
        distributions.wasserstein(left, right),
        distributions.spread(right),
        distributions.total_variation(*counts),
    ]


def of_vendi_score() -> object:
    width = vendi_score.kernel_width(numbers(REAL))
    return [width, vendi_score.compute(numbers(CANDIDATES), width)]


def of_clipped() -> object:
    real, fake = numbers(REAL), numbers(CANDIDATES)
    return [clipped.density(real, fake), clipped.coverage(real, fake)]


def of_entropy() -> object:
    return [entropy.estimate(numbers(REAL)), entropy.estimate(numbers(CANDIDATES))]


def of_meaning() -> object:
    counts = meaning.counts(numbers(CANDIDATES), meaning.centres(numbers(REAL), 4, 7))
    return [counts.tolist(), meaning.effective(counts), meaning.rarefied(counts, 5, 3)]


def of_text_diversity() -> object:
    ngrams = text_diversity.ngrams(CANDIDATES["text"], 2)
    texts = CANDIDATES["text"].to_numpy()
    return [
        ngrams.distinct(np.arange(ROWS)),
        text_diversity.compression(texts),
    ]


def of_features() -> object:
    fitted = features.fit(numbers(REAL).astype(np.float32))
    seen = numbers(CANDIDATES).astype(np.float32)
    return [fitted.project(seen).tolist(), fitted.rarity(seen).tolist()]


def of_manifold() -> object:
    left, right = numbers(REAL)[:ROWS], numbers(CANDIDATES)
    found = manifold.overlap(left, right)
    return {name: each.tolist() for name, each in found.items()} | {
        "all": [manifold.coverage(left, right), manifold.recall(left, right)]
    }


def of_pixels() -> object:
    files = [png(10, size=(3, 3)), None, b"none", png(200, size=(2, 2)), png(255, size=(3, 3))]
    return np.nan_to_num(pixels.decode(files), nan=-1.0).tolist()


def of_points() -> object:
    columns = ["x", "image_bytes"]
    found = points.points(CANDIDATES, REAL, columns, max_rows=40, seed=5)
    return [np.abs(each).tolist() for each in found]


def of_twosample() -> object:
    kinds = ("forest", "neighbours", "logistic")
    return [
        [found.accuracy, found.rows, found.p_value]
        for found in (
            twosample.two_sample(numbers(CANDIDATES), numbers(REAL), kind, max_rows=60, seed=7)
            for kind in kinds
        )
    ]


def found_by(kind: type[Any]) -> object:
    """What an expectation finds, before Great Expectations and the verifier have seen it."""
    made = kind(**ARGUMENTS[name_of(kind)])
    found = made.find(CANDIDATES, REAL)
    return [found.success, found.observed, dict(found.facts)]


def name_of(kind: type[gx.Expectation]) -> str:
    return kind.__module__.rpartition(".")[2]


OUTPUTS: Final[Mapping[str, Callable[[], object]]] = {
    "expectations.verifier": of_verifier,
    "expectations.outcomes": of_outcomes,
    "expectations.patterns": of_patterns,
    "expectations.measures.clipped": of_clipped,
    "expectations.measures.distributions": of_distributions,
    "expectations.measures.entropy": of_entropy,
    "expectations.measures.meaning": of_meaning,
    "expectations.measures.text_diversity": of_text_diversity,
    "expectations.measures.features": of_features,
    "expectations.measures.manifold": of_manifold,
    "expectations.measures.null": of_null,
    "expectations.measures.pixels": of_pixels,
    "expectations.measures.points": of_points,
    "expectations.measures.twosample": of_twosample,
    "expectations.measures.vendi_score": of_vendi_score,
    "expectations.custom.overlap": lambda: found_by(ExpectRowsCoverageToBeBetween),
    "expectations.custom.compared": lambda: found_by(ExpectColumnKolmogorovSmirnovToBeBetween),
    "expectations.custom.table": lambda: found_by(ExpectColumnDepthToBeBetween),
    "expectations.custom.texts": lambda: found_by(ExpectColumnDistinctNgramsToBeBetween),
    **{kind.__module__: lambda kind=kind: of_expectation(kind) for kind in custom.CLASSES},
}
"""What is pinned of each module that has a version."""


def check(name: str) -> None:
    module = importlib.import_module(name)
    file = str(Path(str(module.__file__)).relative_to(ROOT))
    golden.check(OUTPUTS[name](), module.VERSION, GOLDEN, file=file)


@pytest.mark.parametrize("name", OUTPUTS)
def test_output_is_that_of_its_version(name: str) -> None:
    check(name)


def test_every_module_with_a_version_is_pinned() -> None:
    folder = ROOT / "expectations"
    names = (path.relative_to(ROOT).with_suffix("").as_posix() for path in folder.rglob("*.py"))
    dotted = [name.replace("/", ".") for name in names if not name.endswith("__init__")]
    with_version = {name for name in dotted if versions.module(name).version is not None}
    assert with_version == OUTPUTS.keys()
    without = {name for name in dotted if name.startswith(versions.PACKAGES)} - with_version
    assert without == {"expectations.custom.sentence"}  # wording alone
    pinned = [importlib.import_module(name).VERSION for name in OUTPUTS]
    assert len(pinned) == len(set(pinned))
    assert GOLDEN.keys() == set(pinned)


def more(figure: Callable[..., float]) -> Callable[..., float]:
    return lambda *arguments, **options: 1.01 * figure(*arguments, **options)


@pytest.mark.parametrize(
    ("module", "figure", "changed"),
    [
        (distributions, "kolmogorov_smirnov", "expectations.measures.distributions"),
        (distributions, "kolmogorov_smirnov", "expectations.custom.kolmogorov_smirnov"),
        (manifold, "coverage", "expectations.custom.coverage"),
        (text_diversity, "compression", "expectations.custom.compression"),
    ],
)
def test_a_change_of_output_names_the_version_to_raise(
    module: ModuleType, figure: str, changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(changed)
    monkeypatch.setattr(module, figure, more(getattr(module, figure)))
    name = changed.rpartition(".")[2]
    file = changed.replace(".", "/")
    raised = f"output of {name} changed: raise {name}/1 to {name}/2 in {file}.py .*, then put '"
    with pytest.raises(AssertionError, match=f"{raised}[0-9a-f]{{64}}' here"):
        check(changed)


def test_a_change_of_words_in_verdicts_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(details, "LIMITS", "; wanted: ")
    with pytest.raises(AssertionError, match="raise verifier/1 to verifier/2"):
        check("expectations.verifier")


def test_a_raised_version_asks_for_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "VERSION", "pixels/2")
    with pytest.raises(AssertionError, match=r"pixels/2 has no golden digest: put '[0-9a-f]{64}'"):
        check("expectations.measures.pixels")


def test_versions_of_a_suite_are_those_that_it_depends_on() -> None:
    coverage = rule("covered", "expect_rows_coverage_to_be_between", **ARGUMENTS["coverage"])
    assert versions.of_suite(Suite("s", (coverage,))) == {
        "expectation expect_rows_coverage_to_be_between": "coverage/1",
        "expectations compared": "compared/1",
        "expectations features": "features/1",
        "expectations manifold": "manifold/1",
        "expectations null": "null/1",
        "expectations outcomes": "outcomes/1",
        "expectations overlap": "overlap/1",
        "expectations pixels": "pixels/1",
        "expectations points": "points/1",
        "expectations table": "table/1",
        "expectations verifier": "verifier/1",
        "great_expectations": ".".join(version("great_expectations").split(".")[:2]),
    }


def test_other_rules_add_what_they_use_and_no_more() -> None:
    basic = versions.of_suite(Suite("s", (rule("known", NOT_NULL, column="x"),)))
    assert set(basic) == {
        "expectations outcomes",
        "expectations verifier",
        "great_expectations",
    }
    matched = versions.of_suite(Suite("s", (rule("word", REGEX, column="text", regex="w"),)))
    assert matched == basic | {"expectations patterns": "patterns/1"}


def test_texts_do_not_depend_on_images_nor_depths_on_real_rows() -> None:
    ngrams = rule(
        "n", "expect_column_distinct_ngrams_to_be_between", **ARGUMENTS["distinct_ngrams"]
    )
    depth = rule("d", "expect_column_depth_to_be_between", **ARGUMENTS["depth"])
    ours = "expectations "
    basic = {f"{ours}{name}" for name in ("outcomes", "table", "verifier")} | {"great_expectations"}
    assert versions.of_suite(Suite("s", (depth,))).keys() == basic | {f"expectation {depth.type}"}
    of_texts = {f"{ours}{name}" for name in ("compared", "null", "text_diversity", "texts")}
    of_texts.add(f"expectation {ngrams.type}")
    assert versions.of_suite(Suite("s", (ngrams,))).keys() == basic | of_texts


def test_types_and_versions_in_the_source_are_those_that_run() -> None:
    assert versions.type_modules() == {
        kind.expectation_type: kind.__module__ for kind in custom.CLASSES
    }
    for name in OUTPUTS:
        assert versions.module(name).version == importlib.import_module(name).VERSION


def test_a_shipped_suite_has_the_versions_of_its_types(digits: Suite) -> None:
    found = versions.of_suite(digits)
    ours = {each.type for each in digits.rules} & set(custom.TYPES)
    assert {f"expectation {kind}" for kind in ours} <= found.keys()
    assert found["great_expectations"] == ".".join(version("great_expectations").split(".")[:2])


def test_versions_are_told_without_great_expectations() -> None:
    asked = "from expectations.suite import Suite; from expectations import versions; import sys; "
    asked += "versions.of_suite(Suite('s', ())); sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False, cwd=ROOT).returncode == 0
