"""Does a text hold personal data?

Forms and checksums of our own (`pipelines.features.pii`), and the numbering plans of all countries
in the library phonenumbers, the Python form of Google's. What it cannot find: names, street
addresses, birthdays, and whatever else has no form.
"""

from __future__ import annotations

from typing import Final

import polars as pl
from pydantic import Field

from pipelines.common import optional, progress
from pipelines.features import pii
from pipelines.scorers.expected import Expected
from pipelines.scorers.protocol import Given
from pipelines.scorers.text_scorer import TextScorer, TextSettings

COLUMNS: Final = {"personal_data": pl.Int64, "personal_data_kinds": pl.String}
KINDS: Final = pl.List(pl.String)
EACH: Final = 1024
"""Texts after which progress is told."""


class PersonalDataSettings(TextSettings):
    """Which column is the text, and from where phone numbers are."""

    region: str | None = Field("US", pattern="^[A-Z]{2}$")
    """ISO 3166 code of the country of phone numbers without a country code; null: of none."""


class PersonalData(TextScorer[PersonalDataSettings]):
    """Counts personal data in texts."""

    name = "personal_data"
    version = "personal_data/1"
    Settings = PersonalDataSettings
    columns = COLUMNS
    libraries = ("phonenumbers",)
    """The one that holds the numbering plans."""

    def expected(self, settings: PersonalDataSettings) -> tuple[Expected, ...]:  # noqa: ARG002  of the protocol
        """Expect none."""
        return (Expected("no_personal_data", "personal_data", high=0),)

    def score(
        self, candidates: pl.DataFrame, given: Given, settings: PersonalDataSettings
    ) -> pl.DataFrame:
        """Count the personal data in each text.

        Args:
            candidates: round, row, text.
            given: told how far the work is.
            settings: of phone numbers.

        Returns:
            round, row, personal_data (findings), personal_data_kinds (sorted, with commas between:
            credit card, email, iban, ip, phone, us ssn; empty if none); null where there is no
            text.

        Raises:
            LibraryError: the library phonenumbers is not installed.
            ParamsError: there is no such region.
        """
        phones = optional.library("phonenumbers", "phone numbers in texts")
        if settings.region is not None:
            optional.check_supported([settings.region], sorted(phones.SUPPORTED_REGIONS), "region")
        texts = candidates[settings.text].cast(pl.String).str.normalize("NFKC")
        suspect = texts.str.contains(pii.TRIGGER).fill_null(value=False)
        suspects = texts.filter(suspect)
        found = ([each.kind for each in pii.find(text, settings.region)] for text in suspects)
        told = list(progress.told(found, len(suspects), given.progress, every=EACH))
        seen = pl.DataFrame({"at": suspect.arg_true(), "kinds": pl.Series(told, dtype=KINDS)})
        each = pl.DataFrame({"text": texts}).with_row_index("at").join(seen, on="at", how="left")
        kinds = pl.when(pl.col("text").is_not_null()).then(pl.col("kinds").fill_null([]))
        return candidates.select("round", "row").hstack(
            each.sort("at").select(
                kinds.list.len().cast(pl.Int64).alias("personal_data"),
                kinds.list.unique().list.sort().list.join(", ").alias("personal_data_kinds"),
            )
        )
