import pytest
from pydantic import ValidationError

from pipelines.common.settings import OPERATIONAL, StrictModel, key_content, operational
from pipelines.generators.text.settings import TextGenerate
from pipelines.llm.settings import Price, Service

OPERATIONAL_VALUES = {
    "base_url": "http://elsewhere/v1",
    "key": "SOME_SERVICE_KEY",
    "licence": "Apache-2.0",
    "concurrency": 8,
    "timeout_s": 1.5,
    "attempts": 2,
    "wait_s": 0.1,
    "wait_max_s": 5.0,
    "max_failures": 0.5,
    "prices": {"m": Price(input=1, output=2)},
    "budget_usd": 3.0,
    "batch": True,
    "batch_poll_s": 1.0,
    "time_s": 60.0,
}
OTHER_VALUES = {
    "model": "m",
    "endpoint": "chat",
    "schema_as": "none",
    "limit_as": "max_completion_tokens",
    "temperature": 0.5,
    "top_p": 0.5,
    "max_tokens": 7,
    "extra_body": {"min_p": 0.1},
}


class Reading(StrictModel):
    workers: int = operational(4, gt=0)
    folder: str = operational()
    size: int = 3


def marked(model: type[StrictModel]) -> set[str]:
    return {
        name
        for name, field in model.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get(OPERATIONAL)
    }


def test_only_operational_fields_carry_the_mark() -> None:
    assert marked(Reading) == {"workers", "folder"}


def test_an_operational_field_keeps_its_default_its_bounds_and_whether_it_is_required() -> None:
    assert Reading(folder="here").workers == 4
    with pytest.raises(ValidationError, match="greater than 0"):
        Reading(folder="here", workers=0)
    with pytest.raises(ValidationError, match="Field required"):
        Reading()


def test_which_model_answers_and_how_it_samples_is_not_operational() -> None:
    assert marked(Service) == set(OPERATIONAL_VALUES)
    assert set(Service.model_fields) - marked(Service) == set(OTHER_VALUES)


@pytest.mark.parametrize("name", OPERATIONAL_VALUES)
def test_a_rounds_key_does_not_see_how_its_service_is_asked(name: str) -> None:
    changed = TextGenerate(service=Service(**{name: OPERATIONAL_VALUES[name]}))
    assert changed != TextGenerate()
    assert key_content(changed) == key_content(TextGenerate())


@pytest.mark.parametrize("name", OTHER_VALUES)
def test_a_rounds_key_sees_what_is_asked(name: str) -> None:
    changed = TextGenerate(service=Service(**{name: OTHER_VALUES[name]}))
    assert key_content(changed) != key_content(TextGenerate())
