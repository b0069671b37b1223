"""What every plug-in of the package gives for a small fixed input, as JSON can hold it."""

from __future__ import annotations

import base64
import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import polars as pl

from expectations.measures import features
from lineage import image_files
from lineage.identity import sample_ids
from pipelines import modalities
from pipelines.common import digests
from pipelines.common.plugins import NoSettings, Registry
from pipelines.common.settings import parse
from pipelines.features import image_descriptor, image_style, images
from pipelines.features.pictures import Pictures
from pipelines.generators import making
from pipelines.generators.diffusion.settings import DiffusionFit, DiffusionGenerate
from pipelines.generators.file.settings import FileFit, FileGenerate
from pipelines.generators.gan.settings import GanFit, GanGenerate
from pipelines.generators.protocol import GenerateRequest
from pipelines.generators.real import RealGenerate
from pipelines.generators.registry import GENERATORS
from pipelines.generators.text.candidate_making import Making
from pipelines.generators.text.settings import TextFit, TextGenerate
from pipelines.llm import prompt_escaping
from pipelines.llm.ask import CACHE
from pipelines.llm.cache import Cache
from pipelines.llm.settings import Service
from pipelines.llm.values import Failure, Reply
from pipelines.metrics import Labelled, likelihood, task_figures, values
from pipelines.metrics.protocol import CONFIDENCE, MetricRequest
from pipelines.metrics.registry import METRICS, TASKS
from pipelines.modalities.registry import MODALITIES
from pipelines.params import Dataset
from pipelines.rounds.arrivals.taking import Known, take
from pipelines.scorers import judge, rubric, vision_judge, voting
from pipelines.scorers.protocol import Given
from pipelines.scorers.registry import SCORERS
from pipelines.sources import candidates
from pipelines.sources.registry import SOURCES
from tests import tiny_pipelines

DIGITS: Final = 6
SOLVED: Final = 2
"""Digits of what a solver or a network finds: processors with other instructions differ in more."""
REGISTRIES: Final[tuple[Registry[Any], ...]] = (
    SOURCES,
    MODALITIES,
    GENERATORS,
    SCORERS,
    METRICS,
    TASKS,
)
WORDS: Final = (
    "ship",
    "noon",
    "bread",
    "salt",
    "long",
    "dark",
    "road",
    "city",
    "sails",
    "at",
    "with",
)
ROWS: Final = 24
MANY: Final = 120
FEATURES: Final = ("price", "seats", "town", "open", "since")
"""Identity of the table."""
SOLVERS: Final = {
    ("scorer", "agreement"),
    ("scorer", "table_agreement"),
    ("scorer", "text_agreement"),
    ("scorer", "text_meaning"),
    ("scorer", "toxicity"),
    ("scorer", "language"),
    ("generator", "diffusion"),
    ("generator", "gan"),
    ("generator", "pretrained"),
    ("modality", "text"),
    ("task", "image_labels"),
    ("task", "table_target"),
    ("metric", "table_fidelity"),
    ("metric", "text_variety"),
    ("metric", "meaning_variety"),
}


def pictures(seed: int, count: int = ROWS) -> pl.DataFrame:
    """Images of two classes: bright on the left, or on the right."""
    draw = np.random.default_rng(seed)
    label = np.arange(count, dtype=np.int64) % 2
    pixels = draw.integers(0, 90, (count, 8, 8), dtype=np.uint8)
    pixels[label == 0, :, :4] += 120
    pixels[label == 1, :, 4:] += 120
    pixels[1] = pixels[3]
    payload = {
        "image": [{"bytes": png, "path": None} for png in images.encode(pixels)],
        "label": label,
    }
    return keyed(pl.DataFrame(payload, schema_overrides={"image": images.IMAGE}))


def texts(seed: int, count: int = ROWS) -> pl.DataFrame:
    """Texts of two labels with columns that scorers of texts read."""
    draw = np.random.default_rng(seed)
    label = [("food", "travel")[row % 2] for row in range(count)]
    words = [
        " ".join([*draw.choice(WORDS, 9), *(["bread", "salt"] if each == "food" else ["road"])])
        for each in label
    ]
    words[1] = words[3]
    words[4] = "As an AI language model, I cannot. Write to a.b@example.org or +49 30 1234567."
    words[5] = '{"a": 1, "b": ["x"]}'
    return keyed(pl.DataFrame({"text": words, "label": label}))


def rows(seed: int, count: int = ROWS) -> pl.DataFrame:
    """Rows of a table of two labels with a column of each kind, and nulls."""
    draw = np.random.default_rng(seed)
    label = [("food", "travel")[row % 2] for row in range(count)]
    shift = np.asarray([4 * (each == "food") for each in label])
    payload = {
        "price": [None if row == 7 else value for row, value in enumerate(_prices(draw, shift))],
        "seats": draw.integers(1, 5, count) + shift,
        "town": [None if row == 8 else str(draw.choice(WORDS[:3])) for row in range(count)],
        "open": draw.random(count) < 0.7,
        "since": [
            date(2020, 1, 1) + timedelta(days=int(day)) for day in draw.integers(0, 99, count)
        ],
        "label": label,
    }
    payload["seats"][1], payload["price"][1] = payload["seats"][3], payload["price"][3]
    return keyed(pl.DataFrame(payload))


def _prices(draw: np.random.Generator, shift: Any) -> list[float]:
    return (draw.normal(10, 2, len(shift)) + shift).round(2).tolist()


def keyed(frame: pl.DataFrame) -> pl.DataFrame:
    rows = pl.int_range(pl.len(), dtype=pl.Int64)
    return frame.select(pl.lit(1, pl.Int32).alias("round"), rows.alias("row"), pl.all())


def plain(value: Any, digits: int) -> Any:
    """A value as JSON can hold it, numbers rounded; a rounded zero has no sign."""
    if isinstance(value, pl.DataFrame):
        value = {name: value[name].to_list() for name in value.columns}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): plain(each, digits) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, digits) for each in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float):
        return round(value, digits) + 0.0 if math.isfinite(value) else str(value)
    return value


def of_scorer(name: str) -> object:
    """Scores of the fixed rows, and of the real ones where the scorer has them."""
    scorer = SCORERS.load(name)
    if name in ("code", "maths"):
        return SANDBOXED[name]()
    if name == "judge":
        return of_judge()
    if name == "vision_judge":
        return of_vision_judge()
    of_text = "text" in scorer.needs or not scorer.reads_content
    make = pictures if "image" in scorer.needs else texts if of_text else rows
    known = make(1)
    held = known.head(4).with_columns(pl.lit("test").alias("split"))
    given = Given(known, make(3), held, seed=5, content=FEATURES)
    settings = scorer.Settings()
    found = {"candidates": scorer.score(make(2), given, settings)}
    if hasattr(scorer, "score_real"):
        found["real"] = scorer.score_real(given, settings)
    return found


def of_code() -> object:
    programs = ["def f(x): return x + 1", "def f(x): return x", "def f(x): raise ValueError", None]
    rows = keyed(pl.DataFrame({"code": programs, "tests": ["assert f(1) == 2"] * 4}))
    scorer = SCORERS.load("code")
    return scorer.score(rows, Given(rows), scorer.Settings()).drop("code_seconds")


def of_maths() -> object:
    rows = keyed(
        pl.DataFrame(
            {
                "answer": ["$\\boxed{0.5}$", "3", None, "4 cm", "12"],
                "truth": ["1/2", "4", "5", "4 m", "12!"],
            }
        )
    )
    scorer = SCORERS.load("maths")
    return scorer.score(rows, Given(rows), scorer.Settings())


SANDBOXED: Final[Mapping[str, Callable[[], object]]] = {"code": of_code, "maths": of_maths}


def of_judge() -> object:
    """What the judge asks and how it counts; what a model answers is no output of ours."""
    settings = judge.JudgeSettings(service=Service(model="some-model", max_tokens=32))
    asked = [
        judge.ballot(rubric.load("dialogue"), '{"text": "a"}', vote, settings) for vote in (0, 1)
    ]
    answers = [reply(str(score), {"score": score}) for score in (1, 4, 5)]
    failed = Failure("d", "no", 1, 0, 0, None)
    counted = voting.counted([*answers, answers[0], *[failed] * 5], 3, "judge")
    return {"asked": [each.body for each in asked], "counted": counted}


def of_vision_judge() -> object:
    """What the judge of images asks; how it counts is the judge's."""
    settings = vision_judge.VisionJudgeSettings(service=Service(model="some-model", max_tokens=32))
    caption = prompt_escaping.as_data({"caption": "a"})
    asked = [
        vision_judge.ballot(rubric.load("image"), b"PNG", caption, vote, settings)
        for vote in (0, 1)
    ]
    drawn = vision_judge.pngs(pictures(2)["image"], 16)
    sizes = [None if each is None else image_files.decode(each, lambda i: i.size) for each in drawn]
    return {"asked": [each.body for each in asked], "sizes": sizes}


def reply(text: str, parsed: Any) -> Reply:
    return Reply(text, text, parsed, "some-model", 1, 1, None, 1, None, "stop", 0.0)


def of_generator(name: str, place: Path) -> object:
    makers = {
        "augment": of_augment,
        "diffusion": of_diffusion,
        "file": of_file,
        "gan": of_gan,
        "hosted_images": of_hosted_images,
        "interpolation": of_interpolation,
        "pretrained": of_pretrained,
        "real": of_real,
        "simulate": of_simulate,
        "text": of_text,
    }
    return makers[name](place)


def of_file(place: Path) -> object:
    """Candidates and parents of a small file."""
    generator = GENERATORS.load("file")
    real = texts(1).with_columns(pl.lit(0, pl.Int32).alias("round"), pl.lit(1.0).alias("weight"))
    mix = real.with_columns(sample_ids(real, ("text",)).alias("sample_id"))
    generator.fit(mix, FileFit(), 3, place / "fitted")
    names = [mix["sample_id"][3].hex(), "0/4 0/5", None, ""] * 2
    rows = texts(8, 8).drop("round", "row").with_columns(pl.Series("origin", names))
    rows.write_parquet(place / "made.parquet")
    settings = FileGenerate(path=str(place / "made.parquet"), parents="origin", rows=7)
    read = partial(candidates.rows, modality=MODALITIES.load("text", ("text",)))
    request = GenerateRequest("talk", 2, 7, ("text",), 600, 4, settings, place / "fitted", read)
    result = making.make(generator, request)
    maker = result.report.maker == digests.of_file(place / "made.parquet")
    return {"candidates": result.candidates, "parents": result.parents, "of_the_file": maker}


def of_real(place: Path) -> object:
    """The new rows of a small file, beside known ones, held-out ones and one that was generated."""
    source = pl.concat([rows(1), rows(9)]).drop("round", "row")
    source.write_parquet(place / "more.parquet")
    ingest = {"source": "first.parquet", "modality": "table", "licence": "CC0-1.0"}
    settings = Dataset.model_validate({"identity": FEATURES, "ingest": ingest})
    known = rows(1).with_columns(sample_ids(rows(1), FEATURES).alias("sample_id"))
    made = rows(9).head(1)
    there = Known(
        train=known.head(12),
        held_out=known[12:16].with_columns(pl.lit("test").alias("split")),
        generated=pl.DataFrame([sample_ids(made, FEATURES).alias("sample_id")]),
        refused=known.clear().select("sample_id"),
    )
    taken = take(settings, RealGenerate(source=str(place / "more.parquet")), there)
    lineage = taken.lineage.drop("source")
    return {"rows": taken.train, "lineage": lineage, "held_out": taken.held_out}


def of_interpolation(place: Path) -> object:
    generator = GENERATORS.load("interpolation")
    ids = sample_ids(rows(1), FEATURES).alias("sample_id")
    samples = rows(1).with_columns(ids, pl.lit(1.0).alias("weight"))
    generator.fit(samples, generator.FitSettings(), 3, place)
    settings = generator.GenerateSettings()
    result = making.make(generator, GenerateRequest("shop", 1, 7, FEATURES, 9, 4, settings, place))
    return {"rows": result.candidates, "parents": result.parents}


def of_augment(place: Path) -> object:
    """Edited and mixed images, and edited texts."""
    made = {}
    for name, make, settings in (
        ("image", pictures, {"image": {"flip": 0.5, "mixup": 0.3, "cutmix": 0.3}}),
        ("text", texts, {"text": {"templates": {"text": ["{label}: {text}", "{text}!"]}}}),
    ):
        generator = GENERATORS.load("augment")
        ids = sample_ids(make(1), (name,)).alias("sample_id")
        generator.fit(
            make(1).with_columns(ids, pl.lit(1.0).alias("weight")), NoSettings(), 3, place
        )
        own = parse(generator.GenerateSettings, settings, "augment")
        result = making.make(generator, GenerateRequest("shop", 2, 7, (name,), 9, 4, own, place))
        rows = result.candidates
        if name == "image":
            pixels = pl.Series("image", [each.tolist() for each in images.decode(rows["image"])])
            rows = rows.drop("image", "sample_id").with_columns(pixels)
        made[name] = {"rows": rows, "parents": result.parents, "facts": result.report.facts}
    return made


def of_simulate(place: Path) -> object:
    """Rows of a function that a file holds."""
    file = place / "dice.py"
    file.write_text(
        "def simulate(seed, top):\n    return {'text': str(seed % top), 'label': 'food'}\n"
    )
    generator = GENERATORS.load("simulate")
    samples = texts(1).with_columns(
        pl.lit(1.0).alias("weight"), sample_ids(texts(1), ("text",)).alias("sample_id")
    )
    generator.fit(samples, NoSettings(), 3, place)
    given = {"function": str(file), "settings": {"top": 99}, "source": "dice", "licence": "CC0-1.0"}
    own = parse(generator.GenerateSettings, given, "simulate")
    result = making.make(generator, GenerateRequest("talk", 2, 7, ("text",), 6, 4, own, place))
    report = result.report
    return {"rows": result.candidates, "source": report.source, "licence": report.licence}


def of_diffusion(place: Path) -> object:
    """Mean brightness of each half of a sampled image."""
    fit = DiffusionFit(channels=(8, 16), steps=30, batch=16, reference_rows=ROWS, device="cpu")
    return of_trained("diffusion", fit, DiffusionGenerate(steps=4, device="cpu"), place)


def of_gan(place: Path) -> object:
    """The same, of more steps."""
    fit = GanFit(
        latent=4, channels=8, widest=16, steps=60, batch=16, reference_rows=ROWS, device="cpu"
    )
    return of_trained("gan", fit, GanGenerate(device="cpu"), place)


def of_hosted_images(place: Path) -> object:
    """What is asked, and what is made of fixed pictures."""
    generator = GENERATORS.load("hosted_images")
    ids = sample_ids(pictures(1), ("image",)).alias("sample_id")
    samples = pictures(1).with_columns(ids, pl.lit(1.0).alias("weight"))
    generator.fit(samples, NoSettings(), 3, place)
    prompts = {"template": "a {style} {label}", "attributes": {"style": ["dry", "wet"]}}
    given = {"service": {"model": "painter"}, "prompts": prompts, "quality": "high"}
    own = parse(generator.GenerateSettings, given, "hosted_images")
    plan = generator.plan(GenerateRequest("tiny", 2, 7, ("image",), 6, 4, own, place))
    pixels = np.random.default_rng(1).integers(0, 255, (6, 12, 16, 3), dtype=np.uint8)
    answers = [reply(base64.b64encode(png).decode(), None) for png in images.encode(pixels)]
    answers[2] = Failure("d", "no", 1, 0, 0, None)  # type: ignore[call-overload]
    plan.content.answered.update(enumerate(answers))
    with contextlib.chdir(place):
        with Cache.open(CACHE) as cache:
            for request, answer in zip(plan.content.requests, answers, strict=True):
                if isinstance(answer, Reply):
                    cache.keep(replace(answer, digest=request.digest))
        result = making.make_shards(generator, plan)
    found = images.decode(result.candidates["image"])
    return {
        "asked": [[each.body, each.digest] for each in plan.content.requests],
        "rows": result.candidates.drop("image", "sample_id"),
        "pixels": found.astype(int).sum(axis=(1, 2)),
        "facts": result.report.facts,
        "maker": result.report.maker,
    }


def of_pretrained(place: Path) -> object:
    """Prompts and sources by task, and mean colours of what a tiny pipeline draws."""
    tiny_pipelines.text_to_image(place / "model")
    generator = GENERATORS.load("pretrained")
    ids = sample_ids(pictures(1), ("image",)).alias("sample_id")
    samples = pictures(1).with_columns(ids, pl.lit(1.0).alias("weight"))
    fit = parse(generator.FitSettings, {"model": str(place / "model")}, "pretrained")
    generator.fit(samples, fit, 3, place / "fitted")
    made: dict[str, object] = {}
    for task in ("text_to_image", "image_to_image", "inpainting"):
        prompts = {"template": "a {style} {label}", "attributes": {"style": ["dry", "wet"]}}
        given = {"task": task, "steps": 2, "prompts": prompts}
        own = parse(generator.GenerateSettings, given, "pretrained")
        request = GenerateRequest("tiny", 1, 7, ("image",), 5, 4, own, place / "fitted")
        plan = generator.plan(request)
        result = making.make_shards(generator, plan)
        pixels = images.to_unit(images.decode(result.candidates["image"]))
        made[task] = {
            "asked": [each.text for each in plan.content.prompts],
            "boxes": plan.content.boxes,
            "rows": result.candidates.drop("image", "sample_id"),
            "mean": np.round(pixels.mean(axis=(1, 2)) * 10),
            "parents": result.parents,
        }
    return made


def of_trained(name: str, fit: Any, settings: Any, place: Path) -> object:
    generator = GENERATORS.load(name)
    generator.fit(pictures(1).with_columns(pl.lit(1.0).alias("weight")), fit, 3, place)
    request = GenerateRequest("tiny", 1, 7, ("image",), 6, 4, settings, place)
    result = making.make(generator, request)
    pixels = images.to_unit(images.decode(result.candidates["image"]))
    halves = np.stack([pixels[:, :, :4].mean(axis=(1, 2)), pixels[:, :, 4:].mean(axis=(1, 2))], 1)
    return {
        "rows": result.candidates.drop("image", "sample_id"),
        "halves": np.round(halves * 5),
        "attribution": generator.attribution,
    }


def of_text(place: Path) -> object:
    """What is asked, and what is made of fixed answers."""
    generator = GENERATORS.load("text")
    samples = texts(1).with_columns(
        pl.lit(1.0).alias("weight"), sample_ids(texts(1), ("text",)).alias("sample_id")
    )
    generator.fit(samples, TextFit(pool_rows=10), 3, place)
    settings = TextGenerate(
        service=Service(model="some-model"), shots=2, attributes={"tone": ("dry", "warm")}
    )
    request = GenerateRequest("talk", 2, 7, ("text",), 6, 4, settings, place)
    plan = generator.plan(request)
    round_plan = plan.content.plan
    questions = round_plan.first()
    replies = [reply(f"text {row}", {"text": f"text {row}"}) for row in range(len(questions))]
    replies[2] = Failure("d", "no", 1, 0, 0, None)  # type: ignore[call-overload]
    for question, answer in zip(questions, replies, strict=True):
        making_ = Making(question.planned, {})
        making_.take(question, answer)
        plan.content.made[question.planned.row] = making_
    result = making.make_shards(generator, plan)
    facts = {key: each for key, each in result.report.facts.items() if key != "reasons"}
    return {
        "asked": [each.request.body for each in questions],
        "completions": [
            each.request.body
            for each in generator.plan(
                GenerateRequest("talk", 2, 7, ("text",), 2, 4, TextGenerate(shots=1), place)
            ).content.plan.first()
        ],
        "candidates": result.candidates,
        "parents": result.parents,
        "facts": facts,
        "maker": result.report.maker,
    }


def of_modality(name: str) -> object:
    make = {"image": pictures, "text": texts, "table": rows}[name]
    modality = MODALITIES.load(name, FEATURES if name == "table" else (name,))
    given, real = make(1), make(2)
    near = 2 * modality.default_near
    measured = modality.measured(real, {"real": real, "rows": given})
    return {
        "columns": modality.columns(given),
        "typed": str(modality.typed("x", given).schema),
        "pairs": modality.pairs(given, near),
        "within": modality.within(pl.concat([given, real[:2]]), real, near),
        "readable": modality.readable(given, real).to_list(),
        "place": given.select(modality.place()).to_series().to_list(),
        "shown": modality.shown(given).columns,
        "vectors": np.abs(measured["rows"].vectors),
        "labels": measured["rows"].labels,
        "defaults": [modality.default_near, modality.scorers, modality.metrics, modality.task],
    }


def labelled(seed: int, shift: float) -> Labelled:
    draw = np.random.default_rng(seed)
    label = np.arange(ROWS) % 2
    points = (draw.normal(0, 1, (ROWS, 4)) + 2 * label[:, None] + shift).astype(np.float32)
    words = np.asarray(texts(seed)["text"].to_list(), dtype=object)
    return Labelled(points, label, None, words)


def styled(seed: int, shift: float) -> Labelled:
    """More rows, images of one line whose style is known, as figures of classes need them."""
    draw = np.random.default_rng(seed)
    label = np.arange(MANY) % 2
    points = (draw.normal(0, 1, (MANY, 4)) + 2 * label[:, None] + shift).astype(np.float32)
    return Labelled(points, label, neutral=image_style.neutral(points), shape=(1, 4))


def of_table(seed: int, *, target: bool) -> Labelled:
    """Rows of a table as measures see them, with their seats as the target."""
    settings = {"target": "seats"} if target else {}
    real = rows(1, 60)
    given = rows(seed, 60)
    modality = modalities.load("table", FEATURES, settings)
    return modality.measured(real, {"given": given})["given"]


def coloured(seed: int, shift: float) -> Labelled:
    """Images in colour, of which what describes them to classifiers stands for a network."""
    draw = np.random.default_rng(seed)
    label = np.arange(MANY) % 2
    pixels = draw.integers(40, 200, (MANY, 20, 20, 3), dtype=np.uint8)
    pixels[label == 1, :, 10:] += np.uint8(40 + 50 * shift)
    files, embed = images.column(pixels), image_descriptor.described
    return Labelled(embed(images.to_unit(pixels)), label, pictures=Pictures(files, embed))


def chosen_among(accepted: Labelled) -> Labelled:
    """Candidates of which every other one was accepted; the others are farther out."""
    far = 4 * accepted.vectors
    vectors = np.concatenate([accepted.vectors, far]).astype(np.float32)
    return Labelled(vectors, np.concatenate([accepted.labels, accepted.labels]))


def of_metric(name: str) -> object:
    few = {"style": coloured, **dict.fromkeys(("classes", "content", "neighbours"), styled)}
    make = few.get(name, labelled)
    real, validation, accepted, mix = (
        (of_table(seed, target=False) for seed in (1, 2, 3, 4))
        if name.startswith("table")
        else (make(seed, shift) for seed, shift in ((1, 0.0), (2, 0.0), (3, 0.2), (4, 0.1)))
    )
    metric = METRICS.load(name)
    request = MetricRequest(
        real=real,
        validation=validation,
        sets={"accepted": accepted, "mix": mix},
        features=features.fit(real.vectors),
        null_draws=5,
        bootstrap=20,
        seed=9,
        whole={each: chosen_among(accepted) for each in metric.reads if each != CONFIDENCE},
        confidence={
            "accepted": np.linspace(0.5, 1, len(accepted.labels)),
            "validation": np.linspace(0.3, 1, len(validation.labels)),
        },
    )
    given = {"rows": 20} if name == "meaning_variety" else {}
    found = metric.measure(request, METRICS.find(name).Settings(**given))
    return {
        part: {figure: asdict(metric) for figure, metric in figures.items()}
        for part, figures in found.items()
    }


def shaped(seed: int) -> Labelled:
    """Small images of two labels, as `image_labels` sees them."""
    frame = pictures(seed)
    return MODALITIES.load("image", ("image",)).measured(frame, {"rows": frame})["rows"]


def of_task(name: str) -> object:
    task = TASKS.load(name)
    test, *trained = (
        (of_table(seed, target=name == "table_target") for seed in (6, 1, 5))
        if name.startswith("table")
        else map(shaped, (6, 1, 5))
        if name == "view_labels"
        else (labelled(seed, shift) for seed, shift in ((6, 0.3), (1, 0.0), (5, 0.0)))
    )
    mixes = dict(zip(("mix", "real_only"), trained, strict=True))
    answers = task_figures.answers(task, task.Settings(), mixes, test)
    ours, theirs = answers["mix"], answers["real_only"]
    found = likelihood.section(answers, SimpleNamespace(bootstrap=30), 1)
    return {
        "predicted": [ours.said, theirs.said],
        "score": asdict(task.score(ours, 30, 1)),
        "gain": asdict(task.gain(ours, theirs, 30, 1)),
        **({"likelihood": values.as_json(found)} if found else {}),
    }


def of_source(name: str, place: Path) -> object:
    if name == "huggingface":
        return of_huggingface(place)
    frame = SOURCES.load(name).load(SOURCES.find(name).Settings())
    if "image" in frame.columns:
        pixels = images.decode(frame["image"])
        return {"pixels": pixels.astype(int).sum(axis=0), "labels": frame["label"].to_list()}
    return frame


def of_huggingface(place: Path) -> object:
    """Rows of a data set in the layout of the Hub, on this machine."""
    for split in ("train", "test"):
        (place / "hub" / "data").mkdir(parents=True, exist_ok=True)
        rows = texts(len(split), 8).drop("round", "row")
        rows.write_parquet(place / "hub" / "data" / f"{split}-00000-of-00001.parquet")
    source = SOURCES.load("huggingface")
    return source.load(source.Settings(dataset=str(place / "hub")))


def output(kind: str, name: str, place: Path) -> object:
    """The output of a plug-in for its fixed input, as JSON can hold it."""
    digits = SOLVED if (kind, name) in SOLVERS else DIGITS
    at_a_place = {"generator": of_generator, "source": of_source}
    of = {"modality": of_modality, "scorer": of_scorer, "metric": of_metric, "task": of_task}
    found = at_a_place[kind](name, place) if kind in at_a_place else of[kind](name)
    return plain(found, digits)
