"""The targets can fail: what they look for is found where it is planted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake import documents
from lake.errors import InvalidError
from tests.fuzz import engine
from tests.fuzz.engine import FUZZ, Session, fuzzed
from tests.fuzz.mutations import documents as changed
from tests.fuzz.mutations import either, mutated, written

SEED = {"a": [1, {"b": "text"}], "c": None}


def target(read: Callable[[bytes], object]) -> Callable[..., None]:
    """A target of a reader of the seed."""

    @fuzzed(either([SEED]), reasons=1)
    def reading(data: bytes) -> object:
        return read(data)

    return reading


def parsed(data: bytes) -> object:
    """A reader that is sound."""
    try:
        return [documents.parse_json(data)]
    except documents.DocumentError as error:
        raise InvalidError(str(error)) from error


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Callable[[Callable[[bytes], object]], None]:
    return lambda read: target(read)(tmp_path, monkeypatch, request)


Run = Callable[[Callable[[bytes], object]], None]


def test_a_sound_reader_passes(run: Run) -> None:
    run(parsed)


def test_an_error_of_somebody_else_is_found(run: Run) -> None:
    with pytest.raises((json.JSONDecodeError, UnicodeDecodeError, RecursionError, ExceptionGroup)):
        run(json.loads)


def test_a_message_that_quotes_all_of_an_input_is_found() -> None:
    class LongError(Exception):
        pass

    def read(data: bytes) -> object:
        try:
            return parsed(data)
        except InvalidError as error:
            raise LongError(f"{data!r} is wrong") from error

    session = Session((LongError,))
    with pytest.raises(AssertionError, match="says 2,0"):
        session.tries(lambda: read(b"x" * 2000))
    session.tries(lambda: read(b"x"))
    with pytest.raises(AssertionError, match="says nothing"):
        session.tries(lambda: (_ for _ in ()).throw(LongError("")))


def test_a_wrong_value_is_found(run: Run) -> None:
    def read(data: bytes) -> object:
        found = parsed(data)
        assert found != [SEED]
        return found

    with pytest.raises(AssertionError):
        run(read)


def refuse(_: bytes) -> object:
    raise InvalidError("it is wrong")


def test_a_reader_that_refuses_or_accepts_everything_is_found(run: Run) -> None:
    with pytest.raises(AssertionError, match="no input is accepted"):
        run(refuse)
    with pytest.raises(AssertionError, match="few reasons"):
        run(lambda data: [data])


def test_a_reader_that_takes_long_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SECONDS", 0.05)

    def forever(_: bytes) -> object:
        while True:
            try:
                sum(range(1000))
            except Exception:  # noqa: BLE001  as decoders that catch everything
                return None

    with pytest.raises((AssertionError, engine.TookTooLongError)):
        run(forever)


def test_a_reader_that_takes_memory_is_found() -> None:
    session = Session(memory=50 << 20)
    session.tries(lambda: [np.ones(1 << 20)])
    with pytest.raises(AssertionError, match="reading takes"):
        session.tries(lambda: [np.ones(20 << 20)])


@pytest.mark.parametrize("inputs", [either([SEED]), mutated([written(SEED).encode()])])
def test_the_first_input_is_right_and_others_are_not(inputs: st.SearchStrategy[bytes]) -> None:
    seen: list[bytes] = []

    @FUZZ
    @given(inputs)
    def collect(data: bytes) -> None:
        seen.append(data)

    collect()
    assert seen[0] == written(SEED).encode()
    assert len(set(seen)) > len(seen) // 2


def test_documents_are_json_of_other_values() -> None:
    seen: list[str] = []

    @FUZZ
    @given(changed([SEED]))
    def collect(text: str) -> None:
        seen.append(text)

    collect()
    sound = [each for each in seen if _is_json(each)]
    assert len(sound) > len(seen) // 2
    assert any("[" * 50 in each for each in seen) or any(len(each) > 1000 for each in seen)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
