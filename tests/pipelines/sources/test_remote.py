"""Sources on other machines, by real servers of S3 and HTTP; what fails is one sentence."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import numpy as np
import polars as pl
import pytest
from moto.server import ThreadedMotoServer

from pipelines.common.errors import DataError, LibraryError
from pipelines.features import images
from pipelines.modalities.images import Images
from pipelines.modalities.texts import Texts
from pipelines.params import Dataset
from pipelines.rounds import stage_inputs
from pipelines.sources import registry
from pipelines.sources.read import read
from pipelines.sources.remote import fetch, listing

TEXTS = Texts(("text",))


@pytest.fixture(scope="module")
def s3() -> Iterator[object]:
    """A bucket `data` on a server of this machine."""
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        client = boto3.client("s3")
        client.create_bucket(Bucket="data")
        yield client
        client.close()
    server.stop()


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def jsonl(*texts: str) -> bytes:
    return pl.DataFrame({"text": texts}).write_ndjson().encode()


@pytest.mark.slow
def test_a_bucket_is_read_once_and_seen_to_change(s3: object) -> None:
    put = functools.partial(s3.put_object, Bucket="data")  # type: ignore[attr-defined]
    put(Key="mails/a.jsonl", Body=jsonl("one", "two"))
    put(Key="mails/deep/b.jsonl", Body=jsonl("three"))
    for source in ("s3://data/mails", "s3://data/mails/", "s3://data/mails/**/*.jsonl"):
        found = read(source, TEXTS)
        assert found.frame["text"].to_list() == ["one", "two", "three"]
        assert (found.name, found.licence) == (source, None)
    assert read("s3://data/mails/a.jsonl", TEXTS).frame["text"].to_list() == ["one", "two"]
    assert len(list((fetch.ROOT / "objects").iterdir())) == 2  # equal contents are fetched once
    settings = Dataset.model_validate(
        {"identity": ("text",), "ingest": {"source": "s3://data/mails", "modality": "text"}}
    )
    before = stage_inputs.of_ingest(settings)
    assert list(before.files) == ["s3://data/mails"]
    assert stage_inputs.of_ingest(settings) == before
    put(Key="mails/a.jsonl", Body=jsonl("uno", "two"))
    assert stage_inputs.of_ingest(settings) != before
    assert read("s3://data/mails", TEXTS).frame["text"].to_list() == ["uno", "two", "three"]


def test_images_come_from_a_bucket_in_their_folders(s3: object) -> None:
    png = images.encode(np.full((1, 8, 8), 90, dtype=np.uint8))[0]
    for name in ("cat/a.png", "dog/b.png"):
        s3.put_object(Bucket="data", Key=f"animals/{name}", Body=png)  # type: ignore[attr-defined]
    found = read("s3://data/animals", Images(("image",)))
    assert found.frame["label"].to_list() == ["cat", "dog"]
    assert found.frame["image"].struct["path"].to_list() == ["cat/a.png", "dog/b.png"]


def test_what_cannot_be_reached_comes_from_the_cache(
    s3: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    s3.put_object(Bucket="data", Key="kept.jsonl", Body=jsonl("kept"))  # type: ignore[attr-defined]
    source = "s3://data/kept.jsonl"
    assert read(source, TEXTS).frame["text"].to_list() == ["kept"]
    digest = registry.remote_digests(source)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert registry.remote_digests(source) == digest
    assert read(source, TEXTS).frame["text"].to_list() == ["kept"]
    assert "the copy that was fetched before is used" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"'s3://data/other\.jsonl' cannot be read"):
        read("s3://data/other.jsonl", TEXTS)


def test_more_than_the_limit_is_not_fetched(s3: object) -> None:
    s3.put_object(Bucket="data", Key="large.jsonl", Body=jsonl("x" * 999))  # type: ignore[attr-defined]
    with pytest.raises(DataError, match=r"bytes, and at most 500 are fetched"):
        fetch.local("s3://data/large.jsonl", limit=500)


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("s3://data/nothing", "'s3://data/nothing': nothing is there"),
        ("s3://data/no/*.csv", "'s3://data/no/*.csv': nothing is there"),
        ("gopher://x/y", "addresses begin with s3://, hf://, https://"),
        ("https://a:b@example.org/x.csv", "holds a password"),
    ],
)
def test_an_address_that_gives_nothing_is_one_sentence(source: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read(source, TEXTS)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(listing.PACKAGES, "s3", ("nothing_of_this_name", "s3fs"))  # type: ignore[misc]
    with pytest.raises(LibraryError, match=r"s3:// need the package s3fs, which is not installed"):
        read("s3://data/a.jsonl", TEXTS)


def test_names_of_a_service_stay_in_the_cache(s3: object) -> None:
    s3.put_object(Bucket="data", Key="bad/../../escape.jsonl", Body=jsonl("x"))  # type: ignore[attr-defined]
    with pytest.raises(DataError, match=r"cannot be the name of a file here"):
        read("s3://data/bad", TEXTS)


def test_a_file_of_a_web_server(tmp_path: Path) -> None:
    served = tmp_path / "served"
    served.mkdir()
    (served / "a b.csv").write_bytes("text;n\nGrüße;1\n".encode("cp1252"))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=served)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        source = f"http://127.0.0.1:{server.server_port}/a%20b.csv?download=1"
        found = read(source, TEXTS)
        assert found.frame["text"].to_list() == ["Grüße"]
        assert found.account.notes[0].startswith(f"{source} is not UTF-8")
        server.shutdown()


def test_a_data_set_of_the_hub_is_read_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "ds" / "data").mkdir(parents=True)
    for split, texts in (("train", ["a", "b"]), ("test", ["c"])):
        place = tmp_path / "ds" / "data" / f"{split}-00000-of-00001.parquet"
        pl.DataFrame({"text": texts}).write_parquet(place)
    found = read("huggingface", TEXTS, {"dataset": "ds"})
    assert found.frame["text"].to_list() == ["c", "a", "b"]
    assert found.name == "hf://datasets/ds"
    one = read("huggingface", TEXTS, {"dataset": "ds", "split": "train"})
    assert one.frame["text"].to_list() == ["a", "b"]
    assert registry.files("huggingface", {"dataset": "ds"}) == (Path("ds"),)
    with pytest.raises(DataError, match=r"load\(\) of huggingface failed with"):
        read("huggingface", TEXTS, {"dataset": "ds", "split": "nothing"})
