"""What the targets have found, each by itself: these inputs once ended in a traceback, or never."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from expectations import suite
from expectations.errors import CalibrationError, SuiteError
from lake import administration, batches, documents, garbage_collection, refs, tables
from lake.client import connect
from lake.documents import DocumentError
from lake.errors import CorruptError, InvalidError, LakeError, UnreachableError, refused
from lake.home import LakeHome
from lake.server.catalog import commits, trees
from lake.server.catalog.database import Database
from lake.server.catalog.validation import check_key
from lake.settings import Remote
from lineage import curation, guard, pictures, schema, training_mix
from lineage.ancestry import references
from lineage.errors import GuardError, LineageError, MixError, SchemaError
from lineage.evidence import number
from lineage.export import croissant, prov
from pipelines.common import parquet_pages
from pipelines.common.errors import (
    DataError,
    GeneratorError,
    ParamsError,
    PipelineError,
    ServiceError,
    StaleError,
)
from pipelines.features import images
from pipelines.gate import stored_leaks
from pipelines.generators.diffusion import model, unet
from pipelines.generators.diffusion.settings import DiffusionFit, DiffusionGenerate
from pipelines.generators.text import exemplars, templates
from pipelines.generators.trained import folder
from pipelines.llm import answers, translation
from pipelines.llm.attempt_error import AttemptError
from pipelines.llm.cache import Cache
from pipelines.llm.home import ServerHome
from pipelines.modalities.texts import Texts
from pipelines.rounds import ancestry_index, file_digests, manifest, receipts
from pipelines.rounds.holdout import Named
from pipelines.scorers import rubric
from pipelines.sources import folders, read
from pipelines.stages import report
from pipelines.verification.calibrations import sheets
from review.commands import diff, rounds
from review.diff import distance
from review.errors import ReviewError
from tests.fuzz import pictures as drawn
from tests.fuzz.engine import bounded
from tests.fuzz.test_lineage_files import JUDGED, MADE, MIX, ORIGIN, REAL, SOURCES, VERDICTS
from tests.fuzz.test_services import ASKED, CHAT, KEPT, PLAIN, REPLY, answering
from tests.lineage.exports import a_round

HUGE = 10**400
DEEP = "[" * 100_000
LONG = "x" * 5_000


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# What people set


def test_a_name_that_comes_twice_among_many_is_found_at_once() -> None:
    text = "{" + ",".join(f'"k{at}":1' for at in range(200_000)) + ',"last":1,"last":2}'
    with bounded(), pytest.raises(DocumentError, match="'last' twice"):
        documents.parse_json(text)


MANY_NAMES = [f"k{at}" for at in range(40_000)]


@pytest.mark.parametrize(
    ("name", "begin", "between", "end", "twice"),
    [
        ("a.csv", "", ",", ",last,last\n", "'last' 2 times"),
        ("a.jsonl", '[{"', '":1,"', '":1,"last":1,"last":2}]', "'last' twice"),
        ("a.jsonl", '{"', '":1,"', '":1,"last":1,"last":2}\n', "'last' twice"),
    ],
)
def test_a_column_that_comes_twice_among_many_is_found_at_once(
    name: str, begin: str, between: str, end: str, twice: str
) -> None:
    Path(name).write_text(begin + between.join(MANY_NAMES) + end, encoding="utf-8")
    with bounded(1 << 30), pytest.raises(DataError, match=twice):
        read.read(name, Texts(("text",)))


@pytest.mark.parametrize("begin", ["", '{"text": "a"}\n'])
def test_lines_that_are_nested_too_deeply_are_said(begin: str) -> None:
    text = begin + '{"a":' * 5_000 + "\n1" + "}" * 5_000
    Path("a.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"nested too deeply|cut off|is no JSON"):
        read.read("a.jsonl", Texts(("text",)))


@pytest.mark.parametrize(
    ("files_", "says"),
    [
        ([{"@type": "FileObject", "@id": "f", "contentUrl": "a\0b"}], "no file is called"),
        ([{"@type": "FileObject", "@id": "f", "contentUrl": "loop"}], "no file"),
        ([], "describes no file"),
    ],
)
def test_a_description_names_files_that_can_be(files_: list[dict[str, str]], says: str) -> None:
    Path("loop").symlink_to("loop")
    about = {"conformsTo": "http://mlcommons.org/croissant/1.1", "distribution": files_}
    Path("croissant.json").write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(DataError, match=says):
        read.read("croissant.json", Texts(("text",)))


def test_kept_digests_that_are_damaged_are_made_again() -> None:
    Path("x").write_bytes(b"content")
    right = file_digests.of_path(Path("x"))
    data = bytearray(file_digests.DATABASE.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)  # the first page says what tables there are
    file_digests.DATABASE.write_bytes(data)
    assert file_digests.of_path(Path("x")) == right


@pytest.mark.parametrize("parse", [documents.parse_json, documents.parse_yaml])
def test_half_of_a_surrogate_pair_is_no_text(parse: Callable[[str], Any]) -> None:
    with pytest.raises(DocumentError, match="half of a surrogate pair"):
        parse('{"a": "\\ud800"}')


def test_messages_quote_no_more_than_a_person_reads() -> None:
    Path("suite.json").write_text(json.dumps({"name": "a", "expectations": [{LONG: 1}]}))
    for call in (
        lambda: suite.load(Path("suite.json")),
        lambda: schema.conform(pl.DataFrame({LONG: [1]}), schema.DECISIONS),
        lambda: rubric.load(LONG),
        lambda: check_key(LONG),
    ):
        with pytest.raises((SuiteError, SchemaError, PipelineError, LakeError)) as caught:
            call()
        assert len(str(caught.value)) < 1_100


@pytest.mark.parametrize("name", ["a\0b", "\ud800", LONG, "/" + LONG])
def test_names_that_no_file_can_have_name_none(name: str) -> None:
    with pytest.raises(ParamsError, match="there is no rubric"):
        rubric.load(name)
    with pytest.raises(GeneratorError, match="there is no prompt"):
        templates.load(name, ["text"])
    for look in (folders.check, lambda source: read.read(source, Texts(("text",)))):
        with pytest.raises(DataError, match=r"ingest\.source"):
            look(name)


@pytest.mark.parametrize(
    "inside",
    [
        "{{ 1 / 0 }}",
        "{{ label + 1 }}",
        "{{ '%d' % label }}",
        "{% for a in label %}" * 30 + "{% endfor %}" * 30,
        "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
    ],
)
def test_a_prompt_that_cannot_be_computed_says_so(inside: str) -> None:
    found = templates.Template("own", f"{{% block completion %}}{inside}{{% endblock %}}")
    with pytest.raises(GeneratorError, match="the prompt own"):
        found.render("completions", {"label": "a"})


@pytest.mark.parametrize("text", ["", "[]", "plots: 5\n", "plots: [a.csv, {a: {y: b}}, {}]\n"])
def test_plots_of_other_forms_are_left_alone(text: str) -> None:
    Path("dvc.yaml").write_text(text)
    assert not rounds.add_plots(Path("dvc.yaml"), "notes")
    assert Path("dvc.yaml").read_text() == text


@pytest.mark.parametrize("counts", ["null", "{}", '{"passed": 0, "failed": 0, "unknown": 0}', "[]"])
def test_verdicts_that_are_not_counted_are_said(counts: str) -> None:
    for name in ("1", "x", "²"):
        (receipts.ROOT / "d" / name).mkdir(parents=True)
        (receipts.ROOT / "d" / name / "verdicts.json").write_text(f'{{"near": {counts}}}')
        (receipts.ROOT / "d" / name / "metrics.json").write_text("{}")
        (receipts.ROOT / "d" / name / "publish.json").write_text("{}")
    assert report.history(receipts.ROOT / "d") == [{"round": 1}]
    with pytest.raises(StaleError, match="count 'near' wrongly"):
        report.pass_rates(receipts.ROOT / "d")
    with pytest.raises(StaleError, match="is not a receipt"):
        receipts.known_commits("d")


# Sources


def test_labels_that_are_lists_are_refused() -> None:
    Path("a.jsonl").write_text('{"text": "a", "label": [["b"]]}\n')
    with pytest.raises(DataError, match="column 'label' is List"):
        read.read("a.jsonl", Texts(("text",)))


class Column:
    """A column of a row group, as pyarrow tells it."""

    def __init__(self, size: int) -> None:
        self.dictionary_page_offset, self.data_page_offset = None, 4
        self.total_compressed_size = self.total_uncompressed_size = size
        self.physical_type = "INT64"


def test_a_page_does_not_count_booleans_that_it_has_not() -> None:
    many = b"\x19\xf1" + b"\xff" * 8 + b"\x7f"  # a list of 2^62 booleans
    data = b"PAR1" + many + bytes(300)
    with bounded(), pytest.raises(ValueError, match="cut"):
        parquet_pages._chunk(io.BytesIO(data), Column(len(data)), 1, len(data))


def test_columns_whose_pages_lie_on_each_other_are_refused() -> None:
    page = bytes.fromhex("1500 1500 1500 00")

    class Groups:
        num_row_groups = 50

        def row_group(self, _: int) -> Any:
            group: Any = type("Group", (), {"num_columns": 1, "num_rows": 1})()
            group.column = lambda _: Column(len(data))
            return group

    data = b"PAR1" + page * 10
    with pytest.raises(ValueError, match="its columns overlap"):
        parquet_pages.decoded_size(io.BytesIO(data), Groups())


def test_a_decoder_that_panics_is_said_too() -> None:
    nested = pl.Series([[[1]], [[2]]], dtype=pl.Array(pl.List(pl.Int64), 1))
    with pytest.raises(SchemaError, match="the table cannot be read"), schema.readable("the table"):
        nested.to_frame().reverse()


def test_decoders_warn_of_nothing_and_run_no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    large = drawn.TINY.replace(
        drawn.TINY[8:33],
        drawn.chunk(b"IHDR", struct.pack(">IIBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0)),
    )
    column = pl.Series([{"bytes": large, "path": None}], dtype=images.IMAGE)
    assert images.decode_lenient(column).shape == (1, 0, 0)  # a warning is an error here
    asked: list[object] = []
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *given: asked.append(given))
    postscript = drawn.saved("RGB", "EPS")
    assert pictures.canonical(postscript) == (pictures.FILE, postscript)
    assert not asked


def test_a_decoder_may_raise_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Image, "open", broken)
    column = pl.Series([{"bytes": drawn.TINY, "path": None}], dtype=images.IMAGE)
    assert images.decode_lenient(column).shape == (1, 0, 0)
    images.check(column)
    assert pictures.canonical(drawn.TINY) == (pictures.FILE, drawn.TINY)


# Services


@pytest.mark.parametrize("code", [[], {}, "x" * 5_000])
def test_an_error_with_any_code_is_an_attempts_end(code: object) -> None:
    with pytest.raises(AttemptError) as caught:
        answers.read(json.dumps({"error": {"code": code}}).encode(), PLAIN)
    assert len(caught.value.reason) < 1_100


@pytest.mark.parametrize("value", [str(HUGE), "NaN"])
def test_numbers_that_no_float_is_break_a_schema(value: str) -> None:
    body = {**CHAT, "choices": [{"message": {"content": f'{{"a": {value}}}'}}]}
    with pytest.raises(AttemptError):
        answers.read(json.dumps(body).encode(), ASKED)


def test_names_of_models_have_a_bound() -> None:
    found = answers.read(json.dumps({**CHAT, "model": LONG}).encode(), PLAIN)
    assert len(found.model) <= answers.MAX_QUOTED


@pytest.mark.parametrize("cell", ["[]", "{}", DEEP, json.dumps({**KEPT, "text": None}), b"\xff"])
def test_a_damaged_answer_is_said_and_not_asked_again(cell: object) -> None:
    with Cache.open(Path("c")) as cache:
        cache._connection.execute("INSERT INTO answers VALUES (?, ?)", (REPLY.digest, cell))
    for use in (lambda kept: kept.answers([REPLY.digest]), lambda kept: kept.keep(REPLY)):
        with pytest.raises(ServiceError, match="damaged"), Cache.open(Path("c")) as cache:
            use(cache)


def test_a_damaged_batch_or_cost_is_said() -> None:
    with Cache.open(Path("c")) as cache:
        cache._connection.execute("INSERT INTO batches VALUES ('t', 'u', NULL, '5')")
        cache._connection.execute("INSERT INTO broken VALUES ('d', 'x', 1, 0.5, 'r')")
    for use in (lambda kept: kept.batches("u"), lambda kept: kept.spent(["d"])):
        with pytest.raises(ServiceError, match="damaged"), Cache.open(Path("c")) as cache:
            use(cache)


@pytest.mark.parametrize("key", [b"loc\xe1l", b"", b"a\nb", b"x" * 2_000])
def test_a_damaged_key_is_said(key: bytes) -> None:
    Path("key").write_bytes(key)
    with pytest.raises((ServiceError, OSError), match=r"is damaged|is larger"):
        ServerHome(Path()).key()


@pytest.mark.parametrize("pid", ["Infinity", '"5"', "null", "1.5"])
def test_a_process_has_a_number(pid: str) -> None:
    Path("endpoint.json").write_text(f'{{"url": "u", "pid": {pid}, "idle": 0, "home": "."}}')
    assert ServerHome(Path()).endpoint() is None
    assert LakeHome(Path()).endpoint() is None
    Path("endpoint.json").write_text(DEEP)
    assert LakeHome(Path()).endpoint() is None


def test_no_date_is_beyond_all_dates() -> None:
    for said in ("Mon, 01 Jan 99999999999 00:00:00 GMT", f"Mon, 01 Jan 2024 00:00:00 +{'9' * 50}"):
        assert translation.retry_after({"retry-after": said}) is None


# Lakes


@pytest.mark.parametrize("name", ["identity", "credentials"])
@pytest.mark.parametrize("value", ["5", "null", '""', '"a\\nb"', "{}"])
def test_a_home_is_named_by_texts(name: str, value: str) -> None:
    fields = ("id", "created", "access_key_id", "secret_access_key")
    Path(f"{name}.json").write_text("{" + ",".join(f'"{each}": {value}' for each in fields) + "}")
    with pytest.raises(CorruptError, match="is damaged"):
        getattr(LakeHome(Path()), name)()


@pytest.mark.parametrize(
    "block",
    [
        b"5",
        b"[0]",
        DEEP.encode(),
        b'[0, "ab", "ab"]',
        b'[0, ["b", "a"], [["a", "b", 1, 1, "t"], ["a", "b", 1, 1, "t"]]]',
        b'[0, ["a"], [["a", "b", "1", 1, "t"]]]',
        b'[1, ["a"], [["a"]]]',
        b'[0, ["\\ud800"], [["a", "b", 1, 1, "t"]]]',
        b"[-1, [], []]",
    ],
)
def test_a_block_that_is_none_is_damage(block: bytes) -> None:
    with pytest.raises(CorruptError, match="no part of a tree"):
        trees.parse(block)


def test_rows_of_a_catalogue_that_are_none_are_damage() -> None:
    database = Database(Path("catalog.db"))
    db = database.connection
    db.execute("INSERT INTO repositories VALUES ('r', 1, 'n', 'main', 0, '{}')")
    db.execute("INSERT INTO blocks VALUES ('b', 1000000000000)")
    row = ("r", "c", "", "5", "m", "u", 1, 1, "{}")
    db.execute("INSERT INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    with bounded(), pytest.raises(CorruptError):
        database.get("b")
    with pytest.raises(CorruptError):
        commits.read(database, "r", "c")


def test_a_path_has_no_half_of_a_surrogate_pair() -> None:
    with pytest.raises(InvalidError, match="half of a surrogate pair"):
        check_key("a/\ud800")


def test_an_error_of_a_lake_may_be_of_any_shape() -> None:
    assert isinstance(refused("do it", 400, DEEP.encode(), "Bad"), LakeError)


PAGE = {"has_more": True, "next_offset": "", "results": 0, "max_per_page": 1}
ENDLESS = json.dumps({"pagination": PAGE, "results": []}).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"\xff", 500), (b"[1]", 200), (b"", 204), (DEEP.encode(), 200), (ENDLESS, 200)],
)
def test_what_answers_without_sense_is_no_lake(body: bytes, status: int) -> None:
    with answering() as other:
        other.body, other.status = body, status
        other.headers = {"content-type": "application/json"}
        lake = connect(Remote(other.url, "a", "s"), "stemma")
        with bounded(), pytest.raises(LakeError):
            lake.objects("main")
        with pytest.raises(LakeError):
            lake.resolve("main")


@pytest.mark.parametrize("body", [b"\xff", b"", DEEP.encode(), b'{"objects": NaN}'])
def test_a_collection_that_counts_nothing_is_no_lakes(body: bytes) -> None:
    with answering() as other:
        other.body = body
        with pytest.raises(UnreachableError, match="is no lake"):
            administration.post(Remote(other.url, "a", "s"), garbage_collection.PATH, {}, "collect")


@pytest.mark.parametrize("answer", [None, [], {}, {"addresses": []}, {"addresses": [5]}])
def test_a_lake_that_says_no_addresses_is_refused(answer: object) -> None:
    with pytest.raises(InvalidError, match="does not say where"):
        batches.write(lambda *_: answer, {"a": b"x"}, "text/plain", Path())
    with pytest.raises(InvalidError):
        batches.write(
            lambda *_: {"addresses": [f"local://{Path().absolute()}/a\0"]},
            {"a": b"x"},
            "text/plain",
            Path().absolute(),
        )


@pytest.mark.parametrize("part", [b"", b"PAR1PAR1", b"x" * 50])
def test_parts_that_are_no_table_are_damage(part: bytes) -> None:
    with pytest.raises(CorruptError, match="cannot be read"):
        tables.decode([part])


@pytest.mark.parametrize("text", ["9" * 5_000, "٣", "²", "-1", "", None])
def test_a_round_has_a_number_of_32_bits(text: str | None) -> None:
    assert refs.number(text) is None
    assert refs.round_of(f"d/samples/round={text}/part.parquet") is None
    assert refs.BRANCH.match(f"d-r{text}") is None
    assert refs.TAG.match(f"d-v{text}") is None


# Manifests


@pytest.mark.parametrize(
    "content",
    [
        {"verdicts": None},
        {"verdicts": {"pages": {"a": 5}}},
        {"counts": {"accepted": "5"}},
        {"counts": {"accepted": HUGE}},
        {"cost": 5},
        {"guard": {"checks": [5]}},
        {"mix": {"rounds": 5}},
        {"metrics": []},
    ],
)
def test_a_manifest_of_another_shape_is_no_stages(content: Any) -> None:
    with pytest.raises(DataError, match=r"the manifest (was not written|holds a number)"):
        manifest.checked(content, "the manifest")


def test_what_a_manifest_lacks_is_said() -> None:
    found = manifest.checked({"holdout": {}, "counts": {"a": 1}}, "the manifest")
    for look in (lambda: found["next_mix"], lambda: found["holdout"]["input_key"]):
        with pytest.raises(DataError, match=r"has no '(next_mix|input_key)'"):
            look()
    assert json.loads(json.dumps(found)) == {"holdout": {}, "counts": {"a": 1}}
    assert stored_leaks.answers(found.get("leaks"), 0.1, Named("tiny", "k", ("image",))) is False


@pytest.mark.parametrize(
    "about",
    [
        {"counts": {"validation": [1]}, "source": 5},
        {"generator": {"digest": 5}, "verdicts": {"suite": 5, "expectations": 5}},
        {"mix": {"digest": "x"}, "generator": "x"},
        {"source": "\ud800", "licence": {}},
    ],
)
def test_an_export_tells_what_a_manifest_says_rightly(about: Any) -> None:
    rounds_ = [a_round("d", REAL, about=about), a_round("d", MADE, about=about)]
    json.loads("".join(prov.Document(ORIGIN, rounds_).chunks()).encode())
    json.loads("".join(croissant.Document(ORIGIN, rounds_, []).chunks()).encode())


# Lineage


def test_a_mix_of_numbers_that_no_float_is_cannot_be_used() -> None:
    content = json.loads(MIX.model_dump_json())
    content["rounds"][0] |= {"rows": HUGE, "accepted": HUGE}
    for given in (content, json.dumps(content), 5, []):
        with pytest.raises(MixError):
            training_mix.read(given)
    assert number({"a": HUGE}, "a") is None


@pytest.mark.parametrize(
    "changed", [{"limits": 5}, {"dataset": None}, {"round": "1"}, {"judged": []}]
)
def test_an_answer_of_the_guard_is_of_its_types(changed: dict[str, Any]) -> None:
    kept = {**JUDGED, **changed}
    named = ("dataset", "round", "limits", "judged", "override")
    checks = tuple(guard.Check(**each) for each in kept["checks"])
    forged = guard.GuardResult(checks=checks, **{name: kept[name] for name in named}).to_dict()
    with pytest.raises(GuardError):
        guard.read(forged)


def test_a_figure_of_the_guard_is_a_number() -> None:
    first = guard.Check(**JUDGED["checks"][0])
    huge = guard.GuardResult("d", 1, (guard.Check("a", HUGE, "l", "pass", "e"), first), "l")
    with pytest.raises(GuardError):
        guard.read(huge.to_dict())


def test_a_struct_is_no_number() -> None:
    struct_ = MADE.with_columns(round=pl.struct(pl.lit(1).alias("a")))
    with pytest.raises(SchemaError, match="column 'round' is Struct"):
        schema.conform(struct_, schema.LINEAGE)


@pytest.mark.parametrize("content", [DEEP, "[]", "5", '[[1, 2], "x"]', '[["d", 0, {}, null]]'])
def test_kept_files_that_are_damaged_count_as_absent(content: str) -> None:
    Path("kept").write_text(content)
    assert references._read(Path("kept")) is None
    assert not ancestry_index._cached(Path("kept"))
    place = distance.KEPT / f"{SOURCES[0].digest}.json"
    place.parent.mkdir(parents=True)
    for damaged in (content, '{"version": 1, "candidates": "x", "generations": {}}'):
        place.write_text(damaged)
        assert distance._tally(SOURCES[0]).candidates == 3


@pytest.mark.parametrize("name", ["round", "severity", "detail"])
def test_verdicts_of_other_types_are_refused(name: str) -> None:
    wrong = VERDICTS.with_columns(pl.lit([[1]]).alias(name))
    with pytest.raises(LineageError):
        curation.decide(MADE, wrong, MADE.clear().with_columns(dataset=pl.lit("d")), dataset="d")


# Generators


def test_a_pool_of_other_types_or_weights_is_refused() -> None:
    pool = pl.DataFrame({"round": [0], "row": [0], "sample_id": [b"i" * 32], "text": ["a"]})
    for more in ({"weight": 0.0}, {"weight": float("nan")}, {"weight": 1.0, "text": 5}, {}):
        frame = pool.with_columns(**{name: pl.lit(each) for name, each in more.items()})
        frame.write_parquet(exemplars.FILE)
        with pytest.raises(GeneratorError, match="run the stage fit again"):
            exemplars.read(Path())


def test_a_network_is_that_of_its_weights_before_it_is_made() -> None:
    content = {
        "kind": model.KIND,
        "architecture": unet.architecture(DiffusionFit().suited((8, 8)), (8, 8), 2),
        "schedule": unet.schedule(5),
        "classes": [0, 1],
        "image_shape": [8, 8],
    }
    folder.save(Path(), {}, content)
    kept = json.loads(Path(folder.MANIFEST).read_text())
    vast = {**content["architecture"], "block_out_channels": [1 << 14, 1 << 14]}
    for changed in (
        {},
        {"architecture": vast},
        {"architecture": {}},
        {"classes": "x"},
        {"schedule": {**unet.schedule(5), "num_train_timesteps": 1 << 40}},
        {"image_shape": [1 << 20, 1 << 20]},
    ):
        Path(folder.MANIFEST).write_text(json.dumps({**kept, **changed}))
        with bounded(), pytest.raises(GeneratorError):
            model.generate(Path(), REAL["row"].to_numpy()[:1], DiffusionGenerate(), 1)
    Path(folder.MANIFEST).write_text(DEEP)
    with pytest.raises(GeneratorError):
        folder.read_manifest(Path(), model.KIND)


# People


@pytest.mark.parametrize("changed", [{"rows": [1 << 63]}, {"dataset": 5}, {"round": -1}])
def test_what_a_sheet_asks_is_of_its_types(changed: dict[str, Any]) -> None:
    asked = {"dataset": "d", "round": 1, "commit": "c", "suite_digest": "s", "rows": [0]}
    Path("a.json").write_text(json.dumps({**asked, **changed}))
    with pytest.raises(CalibrationError, match="is not what was written"):
        sheets.read_request(Path("a.csv"))


@pytest.mark.parametrize("data", [b"", b"PAR1" * 5])
def test_files_that_are_no_tables_are_not_compared(data: bytes) -> None:
    Path("a.parquet").write_bytes(data)
    REAL.write_parquet("b.parquet")
    options: dict[str, Any] = dict.fromkeys(("dataset", "path", "limit", "html"))
    with pytest.raises((ReviewError, PipelineError, LineageError)):
        diff.run(
            left="a.parquet",
            right="b.parquet",
            key=["row"],
            two_dot=False,
            rows=True,
            columns=True,
            fail_on=[],
            as_markdown=False,
            as_json=True,
            **options,
        )
