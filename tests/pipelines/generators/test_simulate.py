"""The generator `simulate`: a row of each seed, the function keyed by its bytes, plain refusals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from lineage.identity import sample_ids
from pipelines.common.errors import GeneratorError, ParamsError, PipelineError
from pipelines.common.plugins import NoSettings
from pipelines.common.settings import key_content, parse
from pipelines.features import images
from pipelines.generators import making
from pipelines.generators.protocol import GenerateRequest
from pipelines.generators.registry import GENERATORS
from pipelines.generators.simulate import reasoning_questions, rows
from pipelines.generators.simulate.generator import Simulate, seed_of
from pipelines.generators.simulate.settings import SimulateGenerate
from pipelines.scorers.protocol import Given
from pipelines.scorers.registry import SCORERS
from tests.pipelines.isolated import needs_sandbox

DICE = """
import random
SOURCE = "two dice"
LICENCE = "CC0-1.0"
def simulate(seed, sides=6):
    draw = random.Random(seed)
    return {"text": " ".join(str(draw.randint(1, sides)) for _ in range(4)), "label": "dice"}
def clock(seed):
    import time
    return {"text": str(time.perf_counter_ns()), "label": "dice"}
def short(seed):
    return {"text": "one"}
def more(seed):
    return {"text": "one", "label": "dice", "tekst": "two"}
def typed(seed):
    return {"text": 1 if seed % 3 else "one", "label": "dice"}
def wrong(seed):
    return [1]
def broken(seed):
    raise ValueError("no luck")
def seldom(seed):
    kept = {"truth": "six"} if seed % 23 == 0 else {}
    return {"text": str(seed), "label": "dice", **kept}
class Mute(Exception):
    def __str__(self):
        raise RuntimeError
def mute(seed):
    raise Mute
def nameless(seed):
    return {"text": "one", "label": "dice", None: 3}
def halved(seed):
    return {"text": chr(0xd800), "label": "dice"}
"""
REAL = pl.DataFrame({"text": ["6 6 6 1", "1 2 1 1"], "label": ["dice"] * 2, "truth": ["19", "5"]})


@pytest.fixture
def dice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a file of functions; the current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dice.py").write_text(DICE)
    return tmp_path


def asked(
    folder: Path, real: pl.DataFrame = REAL, identity: tuple[str, ...] = ("text",), **own: Any
) -> GenerateRequest[SimulateGenerate]:
    keyed = real.with_columns(
        pl.lit(0, pl.Int32).alias("round"),
        pl.Series("row", range(len(real))),
        sample_ids(real, identity).alias("sample_id"),
        pl.lit(1.0).alias("weight"),
    )
    Simulate().fit(keyed, NoSettings(), 1, folder / "fitted")
    settings = parse(SimulateGenerate, own, "generate.simulate")
    return GenerateRequest("dice", 1, 7, identity, 30, 8, settings, folder / "fitted")


def test_each_row_is_the_function_of_its_recorded_seed(dice: Path) -> None:
    request = asked(dice, function="./dice.py", settings={"sides": 9})
    made = making.make(Simulate(), request)
    space: dict[str, Any] = {}
    exec(DICE, space)  # noqa: S102  the function that the file holds
    for row in made.candidates.iter_rows(named=True):
        assert row["text"] == space["simulate"](row["seed"], sides=9)["text"]
    assert made.candidates["seed"].n_unique() == 30
    assert made.candidates["opaque_share"].unique().to_list() == [1.0]
    assert made.parents is None
    assert "truth" not in made.candidates.columns  # kept columns are null where nobody makes them
    assert (made.report.source, made.report.licence) == ("two dice", "CC0-1.0")
    other = making.make(Simulate(), replace(request, shard_rows=30))
    assert other.candidates.drop("shard").equals(made.candidates.drop("shard"))
    shard = request.shards()[2]
    replayed = Simulate().replay(request, shard, {}).candidates
    assert replayed.equals(made.candidates[16:24].select(replayed.columns))


def test_a_kept_column_that_few_rows_have_is_null_in_the_others(dice: Path) -> None:
    made = making.make(Simulate(), asked(dice, function="./dice.py:seldom")).candidates
    kept = [None if seed % 23 else "six" for seed in made["seed"]]
    assert made["truth"].to_list() == kept
    assert 0 < made["truth"].count() < 5


def test_the_function_is_keyed_by_its_bytes(dice: Path) -> None:
    settings = parse(SimulateGenerate, {"function": "./dice.py", "files": ["words.txt"]}, "")
    assert GENERATORS.files({"simulate": settings}) == (Path("./dice.py"), Path("words.txt"))
    before = making.make(Simulate(), asked(dice, function="./dice.py")).report
    (dice / "dice.py").write_text(DICE + "\n# another\n")
    after = making.make(Simulate(), asked(dice, function="./dice.py")).report
    assert before.maker != after.maker
    assert before.environment != after.environment
    read = []
    for text in ("six", "seven", None):
        (dice / "words.txt").unlink(missing_ok=True)
        if text is not None:
            (dice / "words.txt").write_text(text)
        request = asked(dice, function="./dice.py", files=["words.txt"])
        report = making.make(Simulate(), request).report
        read.append((report.maker, report.environment["files"]))
    assert len(set(read)) == len({files for _, files in read}) == 3
    (dice / "more_dice.py").write_text(DICE)
    named = parse(SimulateGenerate, {"function": "more_dice:simulate"}, "")
    with pytest.raises(ParamsError, match="no simulator 'more_dice'"):
        GENERATORS.files({"simulate": parse(SimulateGenerate, {"function": "more_dice"}, "")})
    assert GENERATORS.files({"simulate": named}) == (Path("more_dice.py"),)
    (dice / "folder").mkdir()
    for name in ("time:time", "folder:simulate"):
        fileless = parse(SimulateGenerate, {"function": name}, "")
        with pytest.raises(ParamsError, match="has no file whose changes could be noticed"):
            GENERATORS.files({"simulate": fileless})
    packaged = parse(SimulateGenerate, {"function": "reasoning_gym"}, "")
    assert GENERATORS.files({"simulate": packaged}) == ()
    assert key_content(SimulateGenerate()) == {}


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({}, "generate.simulate.function is missing"),
        ({"function": "reasoning_gim"}, "did you mean 'reasoning_gym'"),
        ({"function": "./none.py"}, "none.py cannot be read"),
        ({"function": "./dice.py:roll"}, "has no function roll; it has simulate, clock"),
        ({"function": "./dice.py", "settings": {"side": 4}}, "unexpected keyword argument 'side'"),
    ],
)
def test_a_function_that_is_not_there_is_said_before_anything_is_fitted(
    dice: Path, own: Any, said: str
) -> None:
    assert (dice / "dice.py").is_file()
    with pytest.raises(ParamsError, match=said):
        Simulate().check_ready(parse(SimulateGenerate, own, ""))


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("clock", "gives two rows for one seed"),
        ("short", "row 0: there is no 'label'"),
        ("more", "no column 'tekst'; did you mean 'text'"),
        ("typed", r"row \d+: column 'text' is 1, and real rows hold String"),
        ("wrong", "gives list at row 0"),
        ("broken", "failed at row 0, seed .*: ValueError: no luck"),
        ("mute", "failed at row 0, seed .*: Mute: no message"),
        ("nameless", "row 0: the data set has no column None"),
        ("halved", r"row 0: column 'text' is '\\ud800', and real rows hold String"),
    ],
)
def test_rows_that_are_none_are_one_sentence(dice: Path, own: str, said: str) -> None:
    with pytest.raises(GeneratorError, match=said):
        making.make(Simulate(), asked(dice, function=f"./dice.py:{own}"))


def test_pixels_become_images(dice: Path) -> None:
    (dice / "stripes.py").write_text(
        "import numpy as np\n"
        "def simulate(seed):\n"
        "    return {'image': np.full((4, 4), seed % 251, dtype=np.uint8)}\n"
    )
    real = pl.DataFrame([images.column(np.zeros((2, 4, 4), dtype=np.uint8))])
    request = asked(dice, real, ("image",), function="./stripes.py")
    made = making.make(Simulate(), request)
    levels = images.decode(made.candidates["image"])[:, 0, 0]
    assert levels.tolist() == [seed_of(request, row) % 251 for row in range(30)]
    assert made.report.source == "./stripes.py"
    assert made.report.licence is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.zeros((4, 4)), r"an array of float64 of shape \(4, 4\), and real rows hold images"),
        (np.zeros((0, 4), np.uint8), r"an array of uint8 of shape \(0, 4\)"),
        ({"bytez": b""}, "column 'image' is {'bytez': b''}"),
    ],
)
def test_what_is_no_image_is_named_by_its_row(value: Any, said: str) -> None:
    with pytest.raises(GeneratorError, match=f"row 5: .*{said}"):
        rows.table([{"image": value}], 5, pl.Schema({"image": images.IMAGE}), (), "./dice.py")


def test_a_time_with_a_zone_is_no_time_without_one() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    columns = pl.Schema({"at": pl.Datetime("us")})
    with pytest.raises(GeneratorError, match="row 1: column 'at' is datetime"):
        rows.table([{"at": noon.replace(tzinfo=None)}, {"at": noon}], 0, columns, (), "./dice.py")
    with pytest.raises(GeneratorError, match="column 'at' is 5, and real rows hold Datetime"):
        rows.table([{"at": 5}], 0, columns, (), "./dice.py")
    with pytest.raises(GeneratorError, match="real rows hold Date "):
        rows.table([{"at": noon}], 0, pl.Schema({"at": pl.Date}), (), "./dice.py")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("LICENCE = ['MIT']", r"LICENCE must be a text, not \['MIT'\]"),
        ("SOURCE = 5", "SOURCE must be a text, not 5"),
        ("LIBRARIES = 'numpy'", "LIBRARIES must be a list of names of packages"),
        ("LIBRARIES = ['nonesuch']", "names 'nonesuch', and no such package is installed"),
    ],
)
def test_what_a_module_says_of_itself_is_checked(dice: Path, line: str, said: str) -> None:
    (dice / "said.py").write_text(f"{line}\ndef simulate(seed):\n    return {{}}\n")
    with pytest.raises(ParamsError, match=said):
        Simulate().check_ready(SimulateGenerate(function="./said.py"))


class TestReasoningGym:
    """Questions of reasoning-gym."""

    REAL = pl.DataFrame({"question": ["1 + 1?"], "answer": ["2"], "truth": ["2"], "label": ["sum"]})
    COLUMNS: ClassVar = {
        "question": "question",
        "answer": "answer",
        "truth": "truth",
        "task": "label",
    }

    def asked(self, folder: Path, **settings: Any) -> GenerateRequest[SimulateGenerate]:
        given = {"columns": self.COLUMNS, **settings}
        identity = ("question", "answer")
        return asked(folder, self.REAL, identity, function="reasoning_gym", settings=given)

    def test_questions_have_true_answers_and_a_licence(self, tmp_path: Path) -> None:
        tasks = {"products": {"min_digits": 1, "max_digits": 2}, "gcd": {}}
        made = making.make(Simulate(), self.asked(tmp_path, tasks=tasks))
        rows = made.candidates
        assert set(rows["label"]) == {"products", "gcd"}
        assert rows["answer"].equals(rows["truth"].alias("answer"))
        for row in rows.filter(pl.col("label") == "products").iter_rows(named=True):
            numbers = [
                int(each) for each in pl.Series([row["question"]]).str.extract_all(r"\d+")[0]
            ]
            assert int(row["truth"]) == np.prod(numbers)
        assert made.report.source == "reasoning-gym 0.1.25"
        assert made.report.licence == "Apache-2.0"
        assert made.report.environment["reasoning-gym"] == "0.1.25"

    def test_a_task_with_small_seeds_takes_any_seed(self) -> None:
        row = reasoning_questions.simulate((1 << 62) + 5, tasks={"pool_matrix": {}})
        assert row == reasoning_questions.simulate(5, tasks={"pool_matrix": {}})

    @needs_sandbox
    def test_the_scorer_maths_tells_right_answers_from_wrong_ones(self, tmp_path: Path) -> None:
        made = making.make(Simulate(), self.asked(tmp_path)).candidates
        wrong = pl.col("row") % 5 == 0
        spoiled = pl.when(wrong).then(pl.col("answer") + "1").otherwise("answer")
        rows = made.with_columns(pl.lit(1, pl.Int32).alias("round"), spoiled.alias("answer"))
        scorer = SCORERS.load("maths")
        scores = scorer.score(rows, Given(rows), scorer.Settings())
        assert made["label"].n_unique() == 5  # every task of the default
        assert scores["answer_correct"].to_list() == [row % 5 != 0 for row in range(30)]

    def test_answers_are_numbers_where_real_ones_are(self, tmp_path: Path) -> None:
        real = self.REAL.with_columns(truth=pl.Series([2]))
        given = {"columns": self.COLUMNS, "tasks": {"gcd": {}}}
        request = asked(
            tmp_path, real, ("question", "answer"), function="reasoning_gym", settings=given
        )
        rows = making.make(Simulate(), request).candidates
        assert rows["truth"].dtype == pl.Int64
        assert rows["truth"].cast(pl.String).to_list() == rows["answer"].to_list()
        given["tasks"] = {"fraction_simplification": {}}
        request = asked(
            tmp_path, real, ("question", "answer"), function="reasoning_gym", settings=given
        )
        with pytest.raises(GeneratorError, match=r"row 0: column 'truth' is '\$.*hold Int64"):
            making.make(Simulate(), request)

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"tasks": {"gdc": {}}}, "reasoning-gym has no task 'gdc'; did you mean 'gcd'"),
            ({"tasks": {"gcd": {"size_of": 1}}}, "the task gcd of reasoning-gym: .*size_of"),
            ({"tasks": {"gcd": {"min_numbers": 0}}}, "the task gcd of reasoning-gym"),
            ({"tasks": {}}, "names no task"),
            ({"columns": {"questions": "question"}}, "unknown part 'questions'"),
            ({"columns": {"question": "question", "answer": "question"}}, "for two parts"),
        ],
    )
    def test_wrong_settings_are_one_sentence(
        self, tmp_path: Path, settings: Any, said: str
    ) -> None:
        with pytest.raises(PipelineError, match=said):
            Simulate().plan(self.asked(tmp_path, **settings))
