"""What people set: params.yaml, suites, receipts, rubrics, prompts, schemas, keys, dvc.yaml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import polars as pl
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import strategies as st

from expectations import suite
from lake import documents, settings
from lake.documents import DocumentError
from lake.settings import Embedded, Remote
from lineage import id_prefixes
from pipelines import params
from pipelines.common import signing
from pipelines.generators.text import templates
from pipelines.rounds import receipts
from pipelines.scorers import json_schema, rubric
from pipelines.scorers.protocol import Given
from pipelines.stages import report
from review.commands import gc, rounds
from tests.fuzz.engine import fuzzed
from tests.fuzz.mutations import either, mutated, written

ROOT = Path(__file__).resolve().parents[2]
SMALL: dict[str, Any] = {
    "line": "main",
    "seed": 1,
    "lake": {"repository": "stemma", "holdout": "stemma-holdout"},
    "datasets": {
        "digits": {
            "identity": ["image"],
            "ingest": {"source": "pipelines/sources/digits.py", "near": 0.06},
            "fit": {"regime": "accumulate", "real_weight": 1.0, "diffusion": {"steps": 5}},
            "generate": {"candidates": 6},
            "verify": {"scorers": {"agreement": {}, "distance": {}}},
            "publish": {"guard": {"real_share_warn": 0.2}, "override": None},
        },
        "notes": {
            "identity": ["text"],
            "ingest": {"source": "notes.jsonl", "modality": "text"},
            "generate": {"text": {"service": {"model": "local"}, "attributes": {"a": ["b"]}}},
        },
    },
    "rounds": {
        "digits-1": {"dataset": "digits", "round": 1, "previous": 0, "fit": {"real_weight": 2.0}},
        "digits-2": {"dataset": "digits", "round": 2, "previous": 1},
    },
}
SHIPPED = (ROOT / "params.yaml").read_text(encoding="utf-8")
OF_YAML = tuple(
    each.encode()
    for each in (
        *("&a ", "*a", "&a [*a]", "<<: *a\n", "!!python/object:os.system ", "!!binary aGk="),
        *("010", "0o17", "1e-5", "1_000", "2024-01-01", "yes", "~", ".inf", ".nan", "? ", "|\n  "),
        *(">-\n  ", "---\n", "...\n", "# ", "  ", "%YAML 1.1\n", '"\\ud800"', '"\\0"', "!!set "),
    )
)


@fuzzed(either([SMALL], OF_YAML, [SHIPPED]), reasons=3)
def test_params(data: bytes) -> object:
    file = Path("params.yaml")
    file.write_bytes(data)
    found = params.load(file)
    for key in found.rounds:
        params.resolve(found, key)
    if data == written(SMALL).encode():
        assert found.datasets["digits"].fit.diffusion.steps == 5
        assert params.resolve(found, "digits-1").settings.fit.real_weight == 2.0
    return found


SUITE = {
    "name": "digits",
    "expectations": [
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": "distance", "min_value": 0.1, "max_value": 1, "mostly": 0.9},
            "severity": "critical",
            "meta": {"name": "near"},
        },
        {"type": "expect_column_pair_values_to_be_equal", "kwargs": {"column_A": "a"}},
        {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "a", "regex": "^.$"}},
    ],
}


@fuzzed(either([SUITE]), reasons=3)
def test_suites(data: bytes) -> object:
    file = Path("suite.json")
    file.write_bytes(data)
    found = suite.load(file)
    assert len(found.digest) == 64
    assert all(rule.severity in {"critical", "warning", "info"} for rule in found.rules)
    if data == written(SUITE).encode():
        assert next(rule.name for rule in found.rules) == "near"
        assert found.rules[0].limits["mostly"] == 0.9
    return found


LAKECTL = {
    "server": {"endpoint_url": "http://127.0.0.1:1"},
    "credentials": {"access_key_id": "a", "secret_access_key": "s"},
}


@fuzzed(either([LAKECTL], OF_YAML))
def test_lakectl(data: bytes) -> object:
    file = Path(".lakectl.yaml")
    file.write_bytes(data)
    found = settings.resolve(Path(), {"HOME": "."})
    assert isinstance(found, Remote | Embedded)
    if data == written(LAKECTL).encode():
        assert found == Remote("http://127.0.0.1:1", "a", "s")
    return found


NUMBERS = ["1e5", "-0", "0.1", "18446744073709551615", "18446744073709551616", "1e400", "NaN"]


@fuzzed(either([SMALL, SUITE, LAKECTL], texts=NUMBERS), errors=(DocumentError,), reasons=4)
def test_json(data: bytes) -> object:
    found = documents.parse_json(data)
    assert json.loads(data, object_pairs_hook=once) == found
    json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    assert plain(found, 0)
    return [found]


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, none of whose names comes twice."""
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def plain(value: object, depth: int) -> bool:
    """Whether a value is one of JSON within the bounds."""
    if depth > documents.MAX_DEPTH + 1:
        return False
    if isinstance(value, dict):
        named = all(isinstance(name, str) for name in value)
        return named and all(plain(each, depth + 1) for each in value.values())
    if isinstance(value, list):
        return all(plain(each, depth + 1) for each in value)
    if isinstance(value, int):
        return documents.MIN_INTEGER <= value <= documents.MAX_INTEGER
    return isinstance(value, str | float | None)


@fuzzed(either([SMALL, SUITE], OF_YAML, [SHIPPED]), errors=(DocumentError,), reasons=4)
def test_yaml(data: bytes) -> object:
    file = Path("a.yaml")
    file.write_bytes(data)
    found = documents.read_yaml(file)
    json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    assert plain(found, 0)
    return [found]


RECEIPT = {
    "stage": "publish",
    "dataset": "digits",
    "round": 1,
    "line": "main",
    "repository": "stemma",
    "branch": "digits-r001",
    "commit": "a" * 64,
    "input_key": "b" * 64,
    "rows": {"mix": 5},
}


@fuzzed(either([RECEIPT]), reasons=3)
def test_receipts(data: bytes) -> object:
    file = receipts.path("digits", 1, "publish")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    gc.named(receipts.ROOT)
    found = receipts.read("digits", 1, "publish")
    assert receipts.known_commits("digits").keys() == {found.round}
    if data == written(RECEIPT).encode():
        assert found.rows == {"mix": 5}
        assert gc.named(receipts.ROOT) == {"a" * 64}
    return found


METRICS = {"accuracy": 0.5, "recall": 1, "note": "text"}
COUNTS = {"near": {"severity": "critical", "level": "row", "passed": 3, "failed": 1, "unknown": 0}}


@fuzzed(st.tuples(either([METRICS]), either([COUNTS])), reasons=3)
def test_reports(data: tuple[bytes, bytes]) -> object:
    rounds_ = receipts.ROOT / "digits"
    (rounds_ / "1").mkdir(parents=True, exist_ok=True)
    for name, content in zip(("metrics.json", "verdicts.json"), data, strict=True):
        (rounds_ / "1" / name).write_bytes(content)
    report.run("digits")
    if data == (written(METRICS).encode(), written(COUNTS).encode()):
        assert report.history(rounds_) == [{"round": 1, "accuracy": 0.5, "recall": 1}]
        assert report.pass_rates(rounds_)[0]["pass_rate"] == 0.75
    return True


RUBRIC = (ROOT / "pipelines" / "scorers" / "rubrics" / "dialogue.md").read_bytes()
NAMES = st.sampled_from(
    [*["own.md"] * 8, "a\0b", "\ud800", "x" * 5_000, "/dev", "", "a\nb", "dialogue"]
)


@fuzzed(st.tuples(mutated([RUBRIC, b"a\n## b\nc\n## d"], [b"## ", b"\n## "]), NAMES), reasons=3)
def test_rubrics(data: tuple[bytes, str]) -> object:
    Path("own.md").write_bytes(data[0])
    found = rubric.load(data[1])
    assert len(found.digest) == 64
    for vote in range(3):
        assert found.rotated(vote)
    if data[1] == "own.md" and data[0] == RUBRIC:
        assert len(found.parts) == RUBRIC.count(b"\n## ")
    return found


PROMPT = (ROOT / "pipelines" / "generators" / "text" / "prompts" / "pairs.txt").read_bytes()
OF_TEMPLATES = tuple(
    each.encode()
    for each in (
        *(
            "{% block user %}",
            "{% endblock %}",
            "{{ 1 / 0 }}",
            "{{ label + 1 }}",
            "{{ label.a.b }}",
        ),
        *(
            "{{ label.__class__.__mro__ }}",
            "{% include 'a' %}",
            "{% import 'a' as b %}",
            "{{",
            "%}",
        ),
        *("{{ range(3) }}", "{{ 'a'.format(1) }}", "{{ label | nope }}", "{{ '%d' % 'a' }}", "{#"),
        *("{{ " + "(" * 300 + ")" * 300 + " }}", "{{ -" + "-" * 3_000 + "1 }}", "{% if a %}"),
        *("{{ ''.join(label) }}", "{{ attributes['a'] }}", "{{ exemplars[5] }}", "{{ label[1:] }}"),
        *(
            "{% for a in 5 %}{% endfor %}",
            "{{ self.user() }}",
            "{% extends label %}",
            "{{ [] | data",
        ),
    )
)
VALUES_SEEN = {"label": "a", "attributes": {"tone": "b"}, "columns": ["prompt"], "exemplars": []}


OWN: Final = tuple(b"{% block completion %}" + each + b"{% endblock %}" for each in OF_TEMPLATES)


@fuzzed(
    st.tuples(st.one_of(mutated([PROMPT], OF_TEMPLATES), st.sampled_from(OWN)), NAMES), reasons=3
)
def test_prompts(data: tuple[bytes, str]) -> object:
    Path("own.md").write_bytes(data[0])
    name = "pairs" if data[1] == "dialogue" else data[1]
    found = templates.load(name, ["prompt", "completion"])
    said = found.render("completions", VALUES_SEEN)
    messages = found.render("chat", VALUES_SEEN)
    if data[0] == PROMPT:
        assert str(said).startswith('Questions and answers about "a", tone: b, as JSON')
        assert [each["role"] for each in messages if isinstance(each, dict)] == ["system", "user"]
    return found


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": {"type": "integer", "minimum": 1, "multipleOf": 0.1},
        "b": {"type": "array", "items": {"$ref": "#/$defs/c"}, "uniqueItems": True},
    },
    "required": ["a"],
    "$defs": {"c": {"type": "string", "pattern": "^a", "format": "date"}},
}
DOCUMENTS = [{"a": 1}, {"a": 2, "b": ["a"]}, {"b": 1}, {"a": "long " * 500}]
OF_SCHEMAS = (b'"$ref": "http://127.0.0.1:1/a"', b'"$ref": "#"', b'"$ref": "file:///etc/passwd"')


@fuzzed(st.tuples(either([SCHEMA], OF_SCHEMAS), either(DOCUMENTS)), reasons=3)
def test_json_schemas(data: tuple[bytes, bytes]) -> object:
    Path("schema.json").write_bytes(data[0])
    text = data[1].decode("utf-8", "replace")
    rows = pl.DataFrame({"round": [1], "row": [0], "text": [text]})
    own = json_schema.JsonSchemaSettings(schema_file="schema.json")
    json_schema.JsonSchema().model_digest(Given(rows), own)
    (found,) = json_schema.JsonSchema().score(rows, Given(rows), own).iter_rows(named=True)
    assert found["json_valid"] is (found["json_problem"] == "")
    assert len(found["json_problem"]) <= json_schema.SHOWN
    if data == (written(SCHEMA).encode(), written(DOCUMENTS[0]).encode()):
        assert found["json_valid"]
    return found


PASSWORD = b"opensesame"


def private(key: Any, word: bytes = b"") -> bytes:
    lock = BestAvailableEncryption(word) if word else NoEncryption()
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))


def public(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


SIGNING = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = ec.derive_private_key(5, ec.SECP256R1())
STATEMENT = b'{"entries":{},"form":"stemma-seal/1","repository":"stemma"}'
OF_PEM = (b"-----BEGIN PRIVATE KEY-----\n", b"-----END PUBLIC KEY-----", b"=", b"AAAA", b"\n\n")


@fuzzed(
    st.tuples(
        mutated([private(SIGNING), private(SIGNING, PASSWORD), private(OTHER)], OF_PEM, edits=2),
        st.sampled_from([None, PASSWORD.decode(), "\ud800", "a" * 5_000]),
        st.sampled_from(["key.pem", "key.pem", "\0", "nope", "."]),
    ),
    reasons=3,
)
def test_keys_that_sign(content: tuple[bytes, str | None, str]) -> object:
    data, word, name = content
    Path("key.pem").write_bytes(data)
    env = {signing.KEY: name, **({signing.PASSWORD: word} if word else {})}
    found = signing.signer(env)
    assert found is not None
    assert data != private(SIGNING) or found.name == signing.fingerprint(SIGNING.public_key())[:16]
    return found


@fuzzed(mutated([public(SIGNING), public(OTHER)], OF_PEM, edits=2), reasons=2)
def test_keys_that_are_trusted(data: bytes) -> object:
    Path("public.pem").write_bytes(data)
    found = signing.Trusted(signing.named_keys({signing.PUBLIC_KEYS: "public.pem:public.pem"}))
    assert found is not None
    signed = signing.Signer(SIGNING)
    if data == public(SIGNING):
        assert found.signer(STATEMENT, signed.sign(STATEMENT)) == signed.name
    return found


SIGNED = signing.Signer(SIGNING).sign(STATEMENT)
TRUSTED = signing.Trusted({"a": SIGNING.public_key()})


@fuzzed(mutated([SIGNED.encode()], [b"=", b"+", b"-"]), reasons=1)
def test_signatures(data: bytes) -> object:
    text = data.decode("utf-8", "surrogateescape")
    found = TRUSTED.signer(STATEMENT, text)
    assert found is None or text == SIGNED
    return found


PIPELINE = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
PLOTS = {
    "plots": [
        {"digits, accuracy": {"template": "t", "x": "round", "y": {"reports/digits/a.csv": ["b"]}}}
    ]
}


@fuzzed(either([PLOTS], OF_YAML, [PIPELINE]), reasons=3, cost=4)
def test_pipelines(data: bytes) -> object:
    file = Path("dvc.yaml")
    file.write_bytes(data)
    added = rounds.add_plots(file, "notes")
    if data == written(PLOTS).encode():
        assert added
        assert "reports/notes/a.csv" in file.read_text(encoding="utf-8")
    return file


@fuzzed(mutated([b"a1b2c3d4", b"A1B2C3D4E5F60718", b" 0123456789abcdef "]), reasons=2)
def test_id_prefixes(data: bytes) -> object:
    text = data.decode("utf-8", "surrogateescape")
    found = id_prefixes.parse(text)
    assert bytes.fromhex(found[: len(found) // 2 * 2]) is not None
    assert found == text.strip().lower()
    return found


@fuzzed(mutated([b"7d", b"12h", b"0", b"90s"]), reasons=1)
def test_lengths_of_time(data: bytes) -> object:
    found = gc.seconds(data.decode("utf-8", "surrogateescape"))
    assert 0 <= found < 1 << 40
    return found
