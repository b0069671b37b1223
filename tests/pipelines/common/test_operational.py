import pytest
from pydantic import ValidationError

from pipelines.common.settings import OPERATIONAL, StrictModel, operational
from pipelines.llm.settings import Service


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
    assert set(Service.model_fields) - marked(Service) == {
        "model",
        "endpoint",
        "schema_as",
        "limit_as",
        "temperature",
        "top_p",
        "max_tokens",
        "extra_body",
    }
