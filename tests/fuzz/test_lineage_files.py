"""Lineage from outside: tables of a lake, manifests, mixes, answers of the guard, the index."""

from __future__ import annotations

import hashlib
import json
import operator
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import strategies as st

from lake import tables
from lineage import audit, curation, digests, guard, identity, payload, schema, training_mix
from lineage.ancestry import files, references
from lineage.ancestry.index import open_index
from lineage.ancestry.source import Source
from lineage.export import croissant, prov
from lineage.limits import Limits
from lineage.proof import again, rows
from lineage.proof import payload as proved_payload
from lineage.proof.again import Comparison
from lineage.proof.prove import prove
from lineage.proof.tables import Tables
from pipelines.common.errors import GeneratorError
from pipelines.generators import model_folder
from pipelines.generators.text import exemplars
from pipelines.generators.trained import folder
from pipelines.rounds import ancestry_index, manifest
from pipelines.rounds import payload as payload_faults
from pipelines.scorers.cache import Cache
from pipelines.verification.calibrations import records
from review.diff import distance, quality
from review.provenance import origins
from tests.fuzz.engine import SAID, fuzzed
from tests.fuzz.frames import frames
from tests.fuzz.mutations import either, mutated, written
from tests.lineage import digits
from tests.lineage.conftest import derived, real_rows
from tests.lineage.exports import ORIGIN, a_round
from tests.pipelines.verification.test_calibrations import record

REAL: Final = real_rows(3)
MIX: Final = training_mix.build(REAL, dataset="d", commit="c", regime="accumulate").manifest
SUBSAMPLE: Final = training_mix.build(
    REAL, dataset="d", commit="c", regime="accumulate-subsample", sample_size=2
).manifest
PARENTS: Final = pl.DataFrame(
    {"row": [0], "dataset": "d", "round": 0, "parent_row": 1, "relation": "seed", "weight": 0.5}
)
MADE: Final = derived(3, 1, MIX, parents=PARENTS, stored=REAL.with_columns(dataset=pl.lit("d")))
DECISIONS: Final = schema.conform(
    MADE.select(
        *schema.SAMPLE_KEY,
        pl.Series("decision", ["accepted", "rejected", "duplicate"]),
        pl.lit([], pl.List(pl.String)).alias("reasons"),
        pl.lit(["w"], pl.List(pl.String)).alias("warnings"),
        pl.lit(None, schema.OCCURRENCE).alias("duplicate_of"),
    ),
    schema.DECISIONS,
)


SOURCES: Final = [
    Source("d", 0, "0", REAL.lazy),
    Source("d", 1, "1", MADE.lazy, DECISIONS.lazy, {MIX.digest: MIX}),
]


@fuzzed(either([MIX.model_dump(mode="json"), SUBSAMPLE.model_dump(mode="json")]), reasons=3)
def test_mixes(data: bytes) -> object:
    found = training_mix.read(data)
    assert len(found.digest) == 64
    if data == written(MIX.model_dump(mode="json")).encode():
        assert found == MIX
    return found


@fuzzed(either([MIX.model_dump(mode="json"), None, 5, "a", [], {}]), reasons=3)
def test_mixes_of_manifests(data: bytes) -> object:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    return training_mix.read(content)


JUDGED: Final = guard.judge(digits.HEALTHY, Limits()).bound_to("a" * 64).to_dict()


@fuzzed(either([JUDGED]), reasons=2)
def test_answers_of_the_guard(data: bytes) -> object:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    found = guard.read(content)
    assert content == JUDGED, "an answer that was altered is believed"
    return found


@fuzzed(either([JUDGED]), reasons=1)
def test_forged_answers_of_the_guard(data: bytes) -> object:
    """Whoever writes an answer can also write its digest."""
    try:
        content = json.loads(data)
        checks = tuple(guard.Check(**each) for each in content["checks"])
        names_ = ("dataset", "round", "limits", "judged", "override")
        forged = guard.GuardResult(checks=checks, **{name: content[name] for name in names_})
        content = forged.to_dict()
    except (ValueError, RecursionError, TypeError, KeyError):
        content = None
    found = guard.read(json.loads(json.dumps(content)) if content else content)
    assert isinstance(found.round, int)
    assert guard.headline(found)
    assert len(guard.rows(found, include_passing=True)) == len(found.checks)
    assert isinstance(found.limits, str)
    quality.guard({}, {"guard": content})
    return found


FIGURES: Final = {
    "counts": digits.HEALTHY.counts,
    "metrics": digits.HEALTHY.metrics,
    "calibration": {"suite": "a" * 64, "error": {"value": 0.1, "low": 0, "high": 0.2}},
}


@fuzzed(st.tuples(either([FIGURES]), frames(digits.HEALTHY.lineage)), reasons=0)
def test_evidence(content: tuple[bytes, pl.DataFrame]) -> object:
    """The guard judges whatever it is shown: a figure that cannot be computed is unknown."""
    try:
        found = json.loads(content[0])
    except (ValueError, RecursionError):
        found = {}
    known = (
        {name: found[name] for name in FIGURES if name in found} if isinstance(found, dict) else {}
    )
    known = {name: each for name, each in known.items() if isinstance(each, dict)}
    result = guard.judge(replace(digits.HEALTHY, lineage=content[1], **known), Limits())
    assert guard.headline(result)
    assert len(guard.rows(result, include_passing=True)) == len(result.checks)
    json.dumps(result.to_dict())
    return result


TABLES: Final = {"lineage": (MADE, schema.LINEAGE), "decisions": (DECISIONS, schema.DECISIONS)}


@fuzzed(
    st.one_of(
        *(st.tuples(frames(frame), st.just(kind), st.booleans()) for frame, kind in TABLES.values())
    ),
    reasons=4,
)
def test_tables_of_lineage(content: tuple[pl.DataFrame, pl.Schema, bool]) -> object:
    frame, kind, extra = content
    found = schema.conform(frame, kind, required=("round", "row"), extra=extra)
    assert found.schema == kind
    assert frame is not MADE or found.equals(MADE)
    return found


@fuzzed(st.tuples(frames(REAL), frames(MADE), frames(DECISIONS)), reasons=4)
def test_indexes_of_tables(content: tuple[pl.DataFrame, ...]) -> object:
    real, made, decided = content
    sources = [
        Source("d", 0, "0", real.lazy),
        Source("d", 1, "1", made.lazy, decided.lazy, {MIX.digest: MIX}),
    ]
    shutil.rmtree(Path("index"), ignore_errors=True)
    index = open_index(Path("index"), sources)
    nodes = index.nodes(np.arange(index.rows))
    assert len(nodes) == len(real) + len(made)
    if real is REAL and made is MADE and decided is DECISIONS:
        assert nodes["decision"].to_list()[3:] == ["accepted", "rejected", "duplicate"]
    return nodes


VERDICTS: Final = pl.DataFrame(
    [(1, row, "near", "critical", "passed", 0.5, None) for row in range(3)],
    schema=schema.VERDICTS,
    orient="row",
)
ACCEPTED: Final = MADE.select(*schema.SAMPLE_KEY).with_columns(dataset=pl.lit("d")).clear()


@fuzzed(st.tuples(frames(MADE), frames(VERDICTS), frames(ACCEPTED)), reasons=4)
def test_verdicts_that_decide(content: tuple[pl.DataFrame, ...]) -> object:
    made, judged, earlier = content
    found = curation.decide(made, judged, earlier, dataset="d")
    curation.reasons(found)
    curation.stopping(judged)
    assert found.schema == schema.DECISIONS
    if made is MADE and judged is VERDICTS and earlier is ACCEPTED:
        assert found["decision"].to_list() == ["accepted"] * 3
    return found


ROUND: Final = (MADE, DECISIONS, VERDICTS, MADE.select(*schema.SAMPLE_KEY)[:1])


@fuzzed(st.tuples(*map(frames, ROUND)), reasons=2)
def test_tables_that_are_proved(content: tuple[pl.DataFrame, ...]) -> object:
    """What contradicts itself is a finding; a table that is none is refused."""
    made, decided, judged, samples = content
    source = Source("d", 1, "1", made.lazy, decided.lazy, {MIX.digest: MIX})
    real = Tables("d", 0, SOURCES[0], REAL.select(*schema.SAMPLE_KEY).lazy(), None, None)
    held = Tables("d", 1, source, samples.lazy(), decided.lazy(), judged.lazy())
    shutil.rmtree("proved", ignore_errors=True)
    found = list(prove([real, held], partial(open_index, Path("proved")), only=("d",)))
    if all(map(operator.is_, content, ROUND)):
        assert not any(len(each.findings) for each in found)
    return found


SAMPLES: Final = pl.DataFrame(
    {"round": [1] * 3, "row": range(3), "text": list("abc")}
).with_columns(label=pl.Series([[0], [], [1, None]]))
HELD: Final = SAMPLES.with_columns(identity.sample_ids(SAMPLES, ["text"]))
STATED: Final = HELD.select("row", payload.columns_digests(HELD, ["text"]))


@fuzzed(st.tuples(frames(HELD), frames(STATED)), reasons=1)
def test_payloads_that_are_proved(content: tuple[pl.DataFrame, ...]) -> object:
    """What is no payload of its ids is a finding, whatever its columns are."""
    samples, decided = content
    held = Tables("d", 1, None, samples.lazy(), decided.lazy(), None, identity=("text",))
    found = list(proved_payload.prove(held))
    told = payload_faults.faults(samples.lazy(), decided.lazy(), ["text"])
    assert told is None or len(told) < SAID
    if samples is HELD and decided is STATED:
        assert told is None
        assert not any(len(each.findings) for each in found)
    return found


@fuzzed(st.tuples(frames(DECISIONS), frames(VERDICTS)), reasons=2)
def test_tables_that_are_compared_with_what_is_made_again(
    content: tuple[pl.DataFrame, ...],
) -> object:
    decided, judged = content
    held = rows.collect(again.typed(decided.lazy(), schema.DECISIONS, "the decisions"))
    found = again.differences(held, DECISIONS, Comparison("the verdicts"))
    verdicts = rows.collect(again.typed(judged.lazy(), schema.VERDICTS, "the verdicts"))
    by = Comparison("the suite", key=("row", "expectation"), close=("observed",))
    other = again.differences(verdicts, VERDICTS, by)
    if decided is DECISIONS and judged is VERDICTS:
        assert found.is_empty()
        assert other.is_empty()
    return found, other


@fuzzed(st.tuples(frames(MADE), frames(VERDICTS), frames(DECISIONS)), reasons=1)
def test_tables_that_are_audited(content: tuple[pl.DataFrame, ...]) -> object:
    of_audits = (schema.LINEAGE, schema.VERDICTS, schema.DECISIONS)
    made, judged, decided = (
        origins._conformed(frame.with_columns(dataset=pl.lit("d")), columns)
        for frame, columns in zip(content, of_audits, strict=True)
    )
    wanted = pl.Schema({**schema.LINEAGE, "dataset": pl.String()})
    made = schema.conform(made, wanted, required=schema.LINEAGE_REQUIRED)
    told = [audit.describe(row, judged, decided, made) for row in made.iter_rows(named=True)]
    json.dumps([each.to_dict() for each in told])
    return told


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an index."""
    place = tmp_path_factory.mktemp("index")
    open_index(place, SOURCES)
    return place


ONE: Final = st.integers(0, 1)
OF_INDEXES: Final = (b"stemma.header", b"ARROW1", b"[" * 90_000, b"\xff\xff\xff\xff", b'"rows": 3')


@fuzzed(st.data(), reasons=0, fixture="indexed")
def test_files_of_the_index(data: st.DataObject, indexed: Path) -> object:
    """What was damaged is built again, so the answers stay the same."""
    place = Path("copied")
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(indexed, place)
    there = sorted(each for each in place.rglob("*") if each.is_file())
    chosen = data.draw(st.sampled_from(range(len(there))))
    valid = there[chosen].read_bytes()
    at = max(valid.find(MADE["sample_id"][0]), valid.find(REAL["sample_id"][0]))
    flipped = [data.draw(st.integers(at - 64, at + 512)) for _ in range(data.draw(ONE) * (at > 0))]
    content = bytearray(valid)
    for each in flipped:  # bits of the arrays, which are a small part of the file
        content[each] ^= 1
    there[chosen].write_bytes(data.draw(mutated([bytes(content)], OF_INDEXES, edits=2)))
    index, expected = (open_index(each, SOURCES) for each in (place, indexed))
    rows = np.arange(6)
    assert index.nodes(rows).equals(expected.nodes(rows))
    assert index.parents(rows).equals(expected.parents(rows))
    assert index.children(rows).equals(expected.children(rows))
    assert [index.find(each.hex()).tolist() for each in MADE["sample_id"]] == [[3], [4], [5]]
    return index


HEADED: Final = {
    "digest": "d",
    "arrays": {"a": ["<i8", hashlib.sha256(np.arange(3).tobytes()).hexdigest()]},
}


@fuzzed(either([HEADED, {**HEADED, "arrays": {}}]), reasons=1)
def test_headers_of_the_index(data: bytes) -> object:
    """Whoever writes a header can also write its digest."""
    Path("d").mkdir(exist_ok=True)
    metadata = {files.HEADER: data, files.CHECK: hashlib.sha256(data).hexdigest().encode()}
    batch = pa.record_batch({"a": files._cell(np.arange(3))}).replace_schema_metadata(metadata)
    with pa.ipc.new_file(str(Path("d") / files.FILE), batch.schema) as writer:
        writer.write_batch(batch)
    found = files.read(Path(), "d", full=True)
    if data == written(HEADED).encode():
        assert found is not None
        assert found.arrays["a"].tolist() == [0, 1, 2]
    return found


NAMED: Final = [[["d", 0], ["e", 1]], ["a" * 64], False]


@fuzzed(st.tuples(either([NAMED]), st.sampled_from([True, False])), reasons=1)
def test_names_of_the_index(content: tuple[bytes, bool]) -> object:
    """Whoever writes names can also write their digest."""
    data, digested = content
    try:
        said = json.loads(data)
        data = json.dumps([said, digests.of_json(said)]).encode() if digested else data
    except (ValueError, RecursionError):
        pass
    Path("a.names").write_bytes(data)
    found = references._read(Path("a.names"))
    for dataset, number in found.parents if found else ():
        assert type(dataset) is str
        assert type(number) is int
    assert found is None or all(type(each) is str for each in found.mixes)
    return found


LISTED: Final = [
    ["d", 0, {"lineage": {"d/lineage/round=000/part-00000.parquet": "a" * 32}}, None, False]
]
CACHED: Final = [*LISTED, ["d", 1, {"lineage": {"a": "b"}}, MIX.model_dump(mode="json"), True]]


@fuzzed(either([LISTED, CACHED]), reasons=1)
def test_lists_of_the_index(data: bytes) -> object:
    Path("a.json").write_bytes(data)
    return ancestry_index._cached(Path("a.json"))


TALLY: Final = {"version": 1, "candidates": 5, "accepted": 3, "generations": {"0": 3}, "real": 3.0}


@fuzzed(either([TALLY]), reasons=0)
def test_kept_tallies(data: bytes) -> object:
    file = distance.KEPT / "0.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    found = distance._tally(SOURCES[0])
    assert found.accepted >= 0
    assert found + found
    json.dumps(found.mean("real"))
    return found


RECORD: Final = json.loads(record().model_dump_json())


@fuzzed(either([RECORD]), reasons=1)
def test_calibrations(data: bytes) -> object:
    found = records.parse(data, "digits/calibration/a/r003-001.json")
    if data == written(RECORD).encode():
        assert found == record()
    for each in (found.suite, *found.expectations.values()):
        records.estimate(each.tally, each.candidates, seen=True)
        records.estimate(each.tally, each.candidates, seen=False)
    return found


MODEL: Final = {"kind": "diffusion/1", "weights_sha256": "a" * 64, "classes": [1], "seed": 5}


@fuzzed(either([MODEL]), reasons=3)
def test_generators(data: bytes) -> object:
    Path(folder.MANIFEST).write_bytes(data)
    found, digest = model_folder.read_manifest(Path())
    assert len(digest) == 64
    about = folder.read_manifest(Path(), "diffusion/1")
    assert about == found or about != about  # noqa: PLR0124  NaN is in it
    if data == written(MODEL).encode():
        assert about == MODEL
    return about


@pytest.fixture(scope="session")
def weights() -> bytes:
    import torch  # noqa: PLC0415  slow to import
    from safetensors.torch import save  # noqa: PLC0415  imports torch

    return bytes(save({"a": torch.arange(4.0), "b": torch.zeros(2, 2)}))


OF_WEIGHTS: Final = (b'"dtype":"F64"', b"[0,999999]", b"\xff" * 8, b"{" * 9)


@fuzzed(st.data(), reasons=1, fixture="weights")
def test_weights(data: st.DataObject, weights: bytes) -> object:
    """Weights are those of the manifest, and whoever writes both can give them the digest."""
    content = data.draw(mutated([weights], OF_WEIGHTS))
    Path(folder.WEIGHTS).write_bytes(content)
    kept, own = (hashlib.sha256(each).hexdigest() for each in (weights, content))
    if content != weights:
        with pytest.raises(GeneratorError, match="not those of its manifest"):
            folder.read_weights(Path(), {"weights_sha256": kept})
    found = folder.read_weights(Path(), {"weights_sha256": own})
    assert content != weights or found["a"].tolist() == [0.0, 1.0, 2.0, 3.0]
    return found


POOL: Final = pl.DataFrame(
    {"round": [0, 0], "row": [0, 1], "sample_id": [b"i" * 32, b"j" * 32], "text": ["a", "b"]}
).with_columns(label=pl.lit("x"), weight=pl.lit(1.0))


@fuzzed(frames(POOL), reasons=2)
def test_pools_of_exemplars(frame: pl.DataFrame) -> object:
    frame.write_parquet(Path(exemplars.FILE))
    found = exemplars.read(Path())
    assert len(found.digest) == 64
    labels = found.labels
    for label in labels or [None]:
        at = found.of(label)
        weights_ = found.rows["weight"].to_numpy()[at]
        exemplars.draw(weights_, 2, 1, 5)
    assert frame is not POOL or labels == ["x"]
    return found


@fuzzed(mutated([tables.encode(POOL)]), reasons=1)
def test_files_of_exemplars(data: bytes) -> object:
    Path(exemplars.FILE).write_bytes(data)
    return exemplars.read(Path())


SCORES: Final = pl.DataFrame({"digest": [b"a"], "score": [0.5]})


@fuzzed(st.one_of(frames(SCORES), st.binary(max_size=64)), reasons=0)
def test_kept_scores(content: pl.DataFrame | bytes) -> object:
    cache = Cache("m", pl.Schema({"score": pl.Float64()}), root=Path("scores"))
    cache.folder.mkdir(parents=True, exist_ok=True)
    for file in (cache.folder / "a.parquet", cache.folder / "b.parquet"):
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            content.write_parquet(file)
    whole, rows = cache.whole("a"), cache.rows()
    assert whole is None or whole.schema == cache.schema
    assert rows.schema == {"digest": pl.Binary, "score": pl.Float64}
    if content is SCORES:
        assert rows.equals(SCORES)
    return rows


IDENTIFIED: Final = pl.DataFrame({"a": ["x", None], "b": [1, 2], "c": [0.5, 1.5]})


@fuzzed(frames(IDENTIFIED), reasons=1)
def test_identities(frame: pl.DataFrame) -> object:
    found = identity.sample_ids(frame, ["a", "b"])
    assert len(found) == len(frame)
    assert found.bin.size().to_list() == [32] * len(frame)
    return found


ABOUT: Final = {
    "source": "s",
    "licence": "MIT",
    "generator": {"digest": "a" * 64, "kind": "diffusion/1", "settings": {"steps": 5}},
    "verdicts": {"suite": "b" * 64, "expectations": {"near": {"passed": 1}}},
    "mix": MIX.model_dump(mode="json"),
    "counts": {"candidates": 3, "accepted": 1, "rejected": 1, "duplicate": 1, "validation": 5},
    "guard": {"verdict": "pass", "checks": [{"name": "a", "verdict": "pass"}]},
    "cost": {"fit": {"seconds": 1.5}, "generate": {"dollars": 0.5}},
    "metrics": {"summary": {"accuracy_mix": 0.5}, "accuracy": {"mix": {"value": 0.5, "low": 0}}},
}


@fuzzed(either([ABOUT]), reasons=2)
def test_exports_of_manifests(data: bytes) -> object:
    """Whatever a manifest says, an export tells what it can tell of it."""
    try:
        about = json.loads(data)
    except (ValueError, RecursionError):
        about = {}
    about = manifest.checked(about, "the manifest")
    rounds = [a_round("d", REAL, about=about), a_round("d", MADE, about=about, tag="d-v1")]
    text = "".join(prov.Document(ORIGIN, rounds).chunks())
    json.loads(text)
    json.loads("".join(croissant.Document(ORIGIN, rounds, []).chunks()))
    quality.metrics({}, about)
    quality.cost([], [about])
    return text


@fuzzed(st.tuples(frames(MADE), frames(DECISIONS)), reasons=2)
def test_exports_of_tables(content: tuple[pl.DataFrame, pl.DataFrame]) -> object:
    made = replace(a_round("d", MADE), lineage=content[0].lazy, decisions=content[1].lazy)
    return "".join(prov.Document(ORIGIN, [a_round("d", REAL), made]).chunks())
