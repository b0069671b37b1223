"""Attestations of published versions: what their own libraries read, and what differs first."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.predicates.vsa.v1.vsa_pb2 import VerificationSummary
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from lake.errors import CorruptError
from lake.home import LakeHome
from pipelines.common import dsse
from pipelines.common.errors import StaleError
from pipelines.gate.attestations import making, object_digests, store
from pipelines.rounds import manifest, tables
from tests.flow.projects import Project, copy
from tests.flow.test_adoption import RELEASES, unpacked
from tests.flow.test_tags import delete_tag

PLACE = "attestations/tiny-v2/1"
SAMPLES = "tiny/samples/round=002/part-00000.parquet"


@dataclass(frozen=True, slots=True)
class Attested:
    """A project of which tiny-v1 and tiny-v2 are attested, and a copy of each without a lake."""

    project: Project
    copies: Path

    @property
    def key(self) -> str:
        (path,) = (self.copies / "tiny-v2" / PLACE).glob("*.pem")
        return str(self.project.root / "trust" / path.name)


@pytest.fixture(scope="module")
def _attested(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attested]:
    place = tmp_path_factory.mktemp("attested")
    project = copy(published, place / "project")
    for tag in ("tiny-v1", "tiny-v2"):
        done = project.stemma("attest", tag, "--output", str(place / tag))
        assert done.code == 0, done.said
    yield Attested(project, place)
    project.drop_lake()


@pytest.fixture
def attested(_attested: Attested, monkeypatch: pytest.MonkeyPatch) -> Attested:
    """The same; the project is the current directory."""
    monkeypatch.chdir(_attested.project.root)
    return _attested


@pytest.fixture
def moved(_attested: Attested, tmp_path: Path) -> Path:
    """A copy of tiny-v2 that a test may change, in a folder without a project."""
    shutil.copytree(_attested.copies / "tiny-v2", tmp_path / "copy")
    return tmp_path / "copy"


def statements(folder: Path) -> dict[str, dict[str, Any]]:
    """The statements of an attestation, verified by the library of the envelope's specification."""
    (pem,) = folder.glob("*.pem")
    found = {}
    for path in folder.glob("*.dsse.json"):
        content = json.loads(path.read_text())
        public: Any = load_pem_public_key(pem.read_bytes())
        key = SSlibKey.from_crypto(public, keyid=content["signatures"][0]["keyid"])
        envelope = Envelope.from_dict(content)
        assert list(envelope.verify([key], 1))
        found[path.name] = json.loads(envelope.payload)
    return found


def verified(attested: Attested, target: Path | str) -> tuple[int, str]:
    """Exit code and message of `stemma attest verify` with the key that signed."""
    done = attested.project.stemma("attest", "verify", str(target), "--key", attested.key)
    return done.code, done.err.strip()


def test_an_attestation_is_about_every_object_of_the_version(attested: Attested) -> None:
    lake = attested.project.lake()
    held = {
        item.path: hashlib.sha256(lake.read("tiny-v2", item.path)).hexdigest()
        for item in lake.objects("tiny-v2", "tiny/")
    }
    both = statements(attested.copies / "tiny-v2" / PLACE)
    assert set(both) == {store.PROVENANCE, store.SUMMARY}
    for statement in both.values():
        subjects = {each["name"]: each["digest"]["sha256"] for each in statement["subject"]}
        assert subjects == held
    assert len(held) > len(lake.objects("tiny-v1", "tiny/"))


def test_statements_are_valid_by_the_messages_of_in_toto(attested: Attested) -> None:
    messages = {store.PROVENANCE: Provenance, store.SUMMARY: VerificationSummary}
    for name, content in statements(attested.copies / "tiny-v2" / PLACE).items():
        whole = json_format.ParseDict({**content, "type": content.pop("_type")}, StatementMessage())
        Statement.copy_from_pb(whole).validate()
        predicate = content["predicate"]
        own = {key for key in predicate if key.startswith("stemma_")}
        assert "stemma_attestation" in own
        # The message has one text where the specification has a list of levels.
        levels = predicate.pop("verifiedLevels", ["-"])
        assert [type(each) for each in levels] == [str]
        json_format.ParseDict(
            {key: predicate[key] for key in predicate.keys() - own}, messages[name]()
        )


def test_provenance_says_by_what_the_round_was_made(attested: Attested) -> None:
    content = statements(attested.copies / "tiny-v2" / PLACE)
    recorded = manifest.read(attested.project.lake(), "tiny-v2", "tiny", 2)
    definition = content[store.PROVENANCE]["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["settings"] == recorded["settings"]
    digests = {each["name"]: each["digest"] for each in definition["resolvedDependencies"]}
    assert digests == {
        "mix commit": {"lakefsCommit": recorded["mix"]["commit"]},
        "mix": {"sha256": recorded["mix"]["digest"]},
        "generator": {"sha256": recorded["generator"]["digest"]},
        "weights": {"sha256": recorded["generator"]["weights_sha256"]},
        "suite": {"sha256": recorded["verdicts"]["suite"]},
        "hold-out": {"sha256": recorded["leaks"]["holdout_digest"]},
        "code": {"sha256": digests["code"]["sha256"]},
    }
    code = definition["resolvedDependencies"][-1]["annotations"]
    assert code["generator diffusion"] == "diffusion/1"
    assert {"fit", "generate", "verify", "curate", "evaluate", "publish"} <= set(code)
    details = content[store.PROVENANCE]["predicate"]["runDetails"]
    stages = [each["name"] for each in details["byproducts"]]
    assert stages == ["generate", "verify", "curate", "evaluate", "guard"]
    weights = (attested.project.root / "models/tiny/2/weights.safetensors").read_bytes()
    assert digests["weights"]["sha256"] == hashlib.sha256(weights).hexdigest()


def test_the_summary_has_the_guards_answer_and_names_the_provenance(attested: Attested) -> None:
    folder = attested.copies / "tiny-v2" / PLACE
    summary = statements(folder)[store.SUMMARY]["predicate"]
    assert summary["verificationResult"] == "PASSED"
    assert summary["verifiedLevels"] == ["STEMMA_GUARD_PASS"]
    recorded = manifest.read(attested.project.lake(), "tiny-v2", "tiny", 2)
    assert summary["stemma_guard"] == recorded["guard"]
    data = (folder / store.PROVENANCE).read_bytes()
    assert summary["inputAttestations"] == [
        {"uri": store.PROVENANCE, "digest": {"sha256": hashlib.sha256(data).hexdigest()}}
    ]


def test_to_attest_again_adds_nothing_and_main_knows_nothing_of_it(attested: Attested) -> None:
    done = attested.project.stemma("attest", "main", "--json")
    assert (done.code, json.loads(done.out)["existing"]) == (0, True)
    assert store.numbers(attested.project.lake(), "tiny-v2") == [1]
    audited = attested.project.stemma("audit", "--history", "main")
    assert (audited.code, "0 findings" in audited.out) == (0, True)
    refused = attested.project.stemma("attest", "tiny-r002")
    assert refused.code == 4
    assert "is no published version, which a tag of a round names" in refused.err


def test_a_version_in_the_lake_and_a_copy_are_verified(attested: Attested, moved: Path) -> None:
    done = attested.project.stemma("attest", "verify", "tiny-v2")
    assert done.code == 0, done.said
    assert "objects are as attested; signed by the key" in done.out
    assert verified(attested, moved) == (0, "")
    assert verified(attested, moved / PLACE / store.PROVENANCE) == (0, "")
    alone = moved.parent / "alone.dsse.json"
    shutil.copy(moved / PLACE / store.PROVENANCE, alone)
    done = attested.project.stemma("attest", "verify", str(alone), "--key", attested.key, "--json")
    answer = json.loads(done.out)
    assert (done.code, answer["verified"], answer["objects"]) == (0, True, 0)
    assert answer["claims"]["objects"] == len(list(moved.glob("tiny/**/*.*")))


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def resigned(path: Path) -> None:
    content = json.loads(path.read_text())
    content["signatures"][0]["sig"] = "A" * 86 + "=="
    path.write_text(json.dumps(content))


def replaced(folder: Path, name: str) -> None:
    """Put a file of the attestation of tiny-v1 into that of tiny-v2."""
    other = folder.parent / "tiny-v1" / name
    shutil.copy(other, folder / PLACE / name)


def relinked(path: Path) -> None:
    """Put a symbolic link to the same bytes in the place of an object."""
    path.rename(path.with_name("elsewhere"))
    shutil.move(path.with_name("elsewhere"), path.parents[4] / "elsewhere")
    path.symlink_to(path.parents[4] / "elsewhere")


def linked(folder: Path) -> None:
    """Put a link to a folder with rows among those of the copy."""
    (folder.parent / "more").mkdir()
    shutil.copy(folder / SAMPLES, folder.parent / "more")
    (folder / "tiny/samples/round=003").symlink_to(folder.parent / "more")


DIFFERENCES: list[tuple[str, Callable[[Path], object], str]] = [
    ("missing", lambda at: (at / SAMPLES).unlink(), f"{SAMPLES} is missing: tiny-v2 was attested"),
    ("changed", lambda at: flipped(at / SAMPLES), f"{SAMPLES} was changed: its bytes are not"),
    ("extra", lambda at: (at / "tiny/extra.txt").write_text(""), "tiny/extra.txt is extra"),
    ("link", lambda at: relinked(at / SAMPLES), f"{SAMPLES} was changed"),
    ("linked folder", linked, "tiny/samples/round=003 is extra"),
    ("signature", lambda at: resigned(at / PLACE / store.PROVENANCE), "the signature does not fit"),
    ("no summary", lambda at: resigned(at / PLACE / store.SUMMARY), "the signature does not fit"),
    (
        "summary is gone",
        lambda at: (at / PLACE / store.SUMMARY).unlink(),
        "holds no verification.dsse.json, which says how the guard judged tiny-v2",
    ),
    ("summary", lambda at: replaced(at, store.SUMMARY), "is of another attestation than"),
    (
        "ref",
        lambda at: shutil.move(at / "attestations/tiny-v2", at / "attestations/tiny-v1"),
        "holds a statement about tiny-v2: it is of another version",
    ),
]


@pytest.mark.parametrize(
    ("change", "message"), [each[1:] for each in DIFFERENCES], ids=[each[0] for each in DIFFERENCES]
)
def test_the_first_thing_that_differs_is_named(
    attested: Attested, moved: Path, change: Callable[[Path], object], message: str
) -> None:
    shutil.copytree(attested.copies / "tiny-v1/attestations/tiny-v1/1", moved.parent / "tiny-v1")
    change(moved)
    code, said = verified(attested, moved)
    assert code == 1
    assert message in said
    assert len(said.splitlines()) == 1


def test_another_key_is_told(attested: Attested, moved: Path, keys: tuple[Path, Path]) -> None:
    theirs = f"{keys[1]}.pub"
    done = attested.project.stemma("attest", "verify", str(moved), "--key", theirs, "--json")
    answer = json.loads(done.out)
    assert (done.code, answer["verified"]) == (1, False)
    assert answer["difference"]["kind"] == "envelope"
    assert "no trusted key signed it: it names" in done.err


def test_a_key_that_came_with_a_copy_proves_nothing_of_who_signed(moved: Path) -> None:
    elsewhere = Project(moved.parent)
    done = elsewhere.stemma("attest", "verify", "copy", "--json")
    assert (done.code, json.loads(done.out)["verified"]) == (2, False)
    assert "fits the key that came with it, which anybody can make" in done.err
    flipped(moved / SAMPLES)
    assert elsewhere.stemma("attest", "verify", "copy").code == 1
    for path in (moved / PLACE).glob("*.pem"):
        path.unlink()
    done = elsewhere.stemma("attest", "verify", "copy")
    assert (done.code, "there is no key to verify" in done.err) == (2, True)


def test_what_cannot_be_verified_is_told(attested: Attested, moved: Path) -> None:
    shutil.rmtree(moved / "attestations")
    code, said = verified(attested, moved)
    assert (code, "copy the attestation of the version" in said) == (2, True)
    code, said = verified(attested, "tiny-v0")
    assert (code, "tiny-v0 was never attested; run `stemma attest tiny-v0`" in said) == (2, True)
    assert verified(attested, "tiny-v9")[0] == 2
    code, said = verified(attested, moved / SAMPLES)
    assert (code, len(said.splitlines())) == (2, 1)


def test_a_tag_that_was_made_again_is_told(copied: Project) -> None:
    lake = copied.lake()
    assert copied.stemma("attest", "tiny-v2").code == 0
    assert copied.stemma("attest", "tiny-v1").code == 0
    other = lake.resolve("tiny-v1").id
    for tag in ("tiny-v2", "tiny-v1"):
        delete_tag(lake, tag)
    lake.tag("tiny-v2", other)
    done = copied.stemma("attest", "verify", "tiny-v2")
    assert done.code == 1
    assert "the tag was made again" in done.err
    refused = copied.stemma("attest", "tiny-v2")
    assert (refused.code, "it is no merge of round 2 of tiny" in refused.err) == (4, True)


def test_what_no_guard_let_through_is_not_attested(copied: Project) -> None:
    lake = copied.lake()
    lake.delete("main", [SAMPLES])
    commit = lake.commit("main", "Remove what is inconvenient", {})
    lake.tag("tiny-v3", commit.id)
    with pytest.raises(
        StaleError, match=r"nothing is attested of tiny-v3.*it is no merge of a round"
    ):
        making.attest(lake, "tiny-v3")
    assert store.numbers(lake, "tiny-v3") == []


def test_the_stage_attests_where_it_is_told_to(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    copied.edit(
        lambda found: found["datasets"]["tiny"].setdefault("publish", {}).update(attest=True)
    )
    copied.run("publish", "tiny-2")
    assert "attested tiny-v2 in attestations/tiny-v2/1" in capsys.readouterr().err
    copied.run("publish", "tiny-2")
    assert "attested" not in capsys.readouterr().err
    (first,) = store.numbers(copied.lake(), "tiny-v2")
    assert first == 1


def test_an_attestation_that_no_longer_holds_is_made_again(copied: Project) -> None:
    lake = copied.lake()
    making.attest(lake, "tiny-v2")
    files = dict(store.read(lake, "tiny-v2", 1).files)
    store.keep(lake, "tiny-v2", {**files, store.SUMMARY: files[store.PROVENANCE]})
    assert copied.stemma("attest", "verify", "tiny-v2").code == 1
    assert making.attest(lake, "tiny-v2").stored.number == 3
    assert copied.stemma("attest", "verify", "tiny-v2").code == 0
    assert making.attest(lake, "tiny-v2").existing


def test_the_first_two_who_attest_at_once_both_keep_theirs(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, other = copied.lake(), copied.lake()
    log = lake.log

    def meanwhile(*args: Any, **more: Any) -> Any:
        if not store.numbers(other, "tiny-v1"):
            store.keep(other, "tiny-v1", {store.PROVENANCE: b"1"})
        return log(*args, **more)

    monkeypatch.setattr(lake, "log", meanwhile)
    store.keep(lake, "tiny-v2", {store.PROVENANCE: b"2"})
    assert [store.numbers(lake, tag) for tag in ("tiny-v1", "tiny-v2")] == [[1], [1]]


def test_folders_that_are_no_attestation_are_passed_over(attested: Attested, moved: Path) -> None:
    for name in ("٣", "02", "0"):
        shutil.copytree(moved / PLACE, moved / PLACE / ".." / name)
    assert verified(attested, moved) == (0, "")


def test_a_digest_is_kept_at_once_and_a_damaged_file_of_them_does_not_matter(
    copied: Project,
) -> None:
    lake = copied.lake()
    commit, objects = lake.resolve("tiny-v2").id, lake.objects("tiny-v2", "tiny/")
    interrupted = object_digests.of_objects(lake, commit, objects)
    first = next(interrupted)
    with closing(sqlite3.connect(object_digests.DATABASE, timeout=0)) as database:
        database.execute("INSERT INTO digests VALUES ('a', 'b', 1, 'c')")
        database.commit()
    interrupted.close()  # type: ignore[attr-defined]
    with closing(sqlite3.connect(object_digests.DATABASE)) as database:
        assert first[1] in {row[0] for row in database.execute("SELECT sha256 FROM digests")}
    whole = list(object_digests.of_objects(lake, commit, objects))
    data = object_digests.DATABASE.read_bytes()
    object_digests.DATABASE.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    assert list(object_digests.of_objects(lake, commit, objects)) == whole


def test_an_object_is_hashed_once_and_a_damaged_one_is_not_attested(copied: Project) -> None:
    lake = copied.lake()
    making.attest(lake, "tiny-v1")
    listed = {item.path: item for item in lake.objects("tiny-v2", "tiny/")}
    first = listed["tiny/samples/round=000/part-00000.parquet"]
    objects = LakeHome(copied.root / ".lake").objects
    for item in (first, listed[SAMPLES]):
        place = objects.joinpath(*item.address.split("/")[-2:])
        place.chmod(0o600)
        flipped(place)
    commit = lake.resolve("tiny-v2").id
    ((_, known),) = object_digests.of_objects(lake, commit, [first])
    assert known == "".join(first.address.split("/")[-2:])
    with pytest.raises(CorruptError, match="has other bytes than were written"):
        object_digests.of_object(lake, commit, first)
    done = copied.stemma("attest", "tiny-v2")
    assert done.code == 4
    assert f"the file of {SAMPLES} in the lake has other bytes" in done.err
    done = copied.stemma("attest", "verify", "tiny-v1")
    assert (done.code, f"{first.path} was changed" in done.err) == (1, True)


def test_a_version_of_an_earlier_release_is_attested_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = unpacked(RELEASES[0], tmp_path / "project", monkeypatch)
    earlier = next(opened)
    assert earlier.stemma("attest", "tiny-v2").code == 0
    envelope = store.read(earlier.lake(), "tiny-v2", 1).envelope(store.PROVENANCE)
    predicate = dsse.unverified(envelope)["predicate"]
    made = predicate["stemma_attestation"]
    assert made["published"] == predicate["runDetails"]["metadata"]["finishedOn"] < made["time"]
    assert predicate["runDetails"]["builder"] == {"id": "urn:stemma:key:unknown"}
    assert earlier.stemma("attest", "verify", "tiny-v2").code == 0
    earlier.drop_lake()


@pytest.mark.slow
def test_what_a_take_down_left_is_attested_by_its_name_or_its_merge(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = copy(published, tmp_path / "project")
    monkeypatch.chdir(project.root)
    lake = project.lake()
    word = tables.read_round(lake, "main", "tiny", "samples", 0)["sample_id"][0].hex()
    try:
        taken = project.stemma("takedown", word, "--reason", "they asked", "--name", "letter")
        assert taken.code == 0, taken.said
        place = tmp_path / "copy"
        done = project.stemma("attest", "main", "--output", str(place), "--json")
        assert done.code == 0, done.said
        assert json.loads(done.out)["tag"] == "tiny-takedown-letter"
        again = project.stemma("attest", "tiny-takedown-letter")
        assert "is attested already" in again.out
        for target in ("tiny-takedown-letter", str(place)):
            verified = project.stemma("attest", "verify", target)
            assert verified.code == 0, verified.said
            assert "STEMMA_GUARD_PASS" in verified.out
        folder = place / "attestations" / "tiny-takedown-letter" / "1"
        content = dsse.unverified(json.loads((folder / "provenance.dsse.json").read_bytes()))
        json_format.ParseDict(content["predicate"], Provenance(), ignore_unknown_fields=True)
        about = content["predicate"]["buildDefinition"]
        assert about["externalParameters"]["takedown"] == "letter"
        (before, *_) = about["resolvedDependencies"]
        assert before["digest"] == {"lakefsCommit": lake.tags()["tiny-v2"]}
        part = place / "tiny" / "samples" / "round=000" / "part-00000.parquet"
        part.write_bytes(part.read_bytes() + b"x")
        assert project.stemma("attest", "verify", str(place)).code == 1
        unknown = project.stemma("attest", "tiny-takedown-other")
        assert unknown.code == 2
        assert "main holds no take-down called other" in unknown.err
    finally:
        project.drop_lake()
