"""The peers on the same candidates, each as its users write it, and the rows that each says fail.

Ours and the floor give a verdict, the value and the reason for each row; the others list the rows
that fail, and none of them tells a row that was not judged from one that passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import dataframely as dy
import pandera.polars as pa
import pointblank as pb
import polars as pl

from benchmarks.verify import by_hand
from benchmarks.verify.world import BOUNDED, CONFIDENCE, LANGUAGES, LENGTHS, PATTERN, SUITE
from expectations import catalogue, gx, verifier

TOLD: Final = "verdict, value and reason"
BARE: Final = "verdict and value"
LISTED: Final = "less: failing rows"
JUDGED: Final = tuple(rule.name for rule in SUITE.rules if catalogue.judges_rows(rule))

Rows = Mapping[str, pl.Series]
"""By expectation: the rows that fail, in order; of an expectation of values, those without one."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One way to verify candidates."""

    name: str
    gives: str
    """What each row gets."""
    run: Callable[[pl.DataFrame], Any]
    """What is timed."""
    failing: Callable[[Any], Rows]
    """The rows that its result names; not timed."""


def _of_verdicts(verdicts: pl.DataFrame) -> Rows:
    found = {}
    for name in JUDGED:
        mine = verdicts.filter(pl.col("expectation") == name)
        word = "unknown" if name.endswith("_known") else "failed"
        found[name] = mine.filter(pl.col("verdict") == word)["row"].sort()
    return found


def _ours(frame: pl.DataFrame) -> pl.DataFrame:
    return verifier.verify(frame, SUITE).verdicts


def _hand(frame: pl.DataFrame) -> pl.DataFrame:
    return by_hand.verdicts(frame, reasons=True)


def _bare(frame: pl.DataFrame) -> pl.DataFrame:
    return by_hand.verdicts(frame, reasons=False)


def _great_expectations(frame: pl.DataFrame) -> Any:  # noqa: ANN401  GX's result
    """A validation definition with the complete result, rows named by their number."""
    context = gx.context()
    asset = context.data_sources.add_pandas("candidates").add_dataframe_asset("round")
    asked = [catalogue.expectation(rule, name=rule.name) for rule in SUITE.rules]
    definition = gx.ValidationDefinition(
        name="plain",
        data=asset.add_batch_definition_whole_dataframe("all"),
        suite=context.suites.add(gx.ExpectationSuite(name="plain", expectations=asked)),
    )
    return context.validation_definitions.add(definition).run(
        batch_parameters={"dataframe": frame.to_pandas()},
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["row"]},
    )


def _of_great_expectations(found: Any) -> Rows:  # noqa: ANN401  GX's result
    named = {each.expectation_config.meta["name"]: each.result for each in found.results}
    listed = {name: _listed(named[name].get("unexpected_index_list")) for name in JUDGED}
    # A pair of which one value is missing is unequal to GX; ours says that it is unknown.
    missing = pl.concat([listed["label_known"], listed["predicted_known"]]).unique()
    unequal = listed["label_agrees"]
    return {**listed, "label_agrees": unequal.filter(~unequal.is_in(missing.implode()))}


def _listed(found: Any) -> pl.Series:  # noqa: ANN401  GX's result
    return pl.Series([int(each["row"]) for each in found or ()], dtype=pl.Int64).sort()


PANDERA: Final = pa.DataFrameSchema(
    {
        "confidence": pa.Column(float, pa.Check.in_range(*CONFIDENCE), nullable=False),
        "language": pa.Column(str, pa.Check.isin(LANGUAGES), nullable=False),
        "text": pa.Column(
            str, [pa.Check.str_matches(PATTERN), pa.Check.str_length(*LENGTHS)], nullable=False
        ),
        "label": pa.Column(int, nullable=False),
        "predicted": pa.Column(int, nullable=False),
    },
    checks=[
        pa.Check(
            lambda data: data.lazyframe.select(pl.col("label") == pl.col("predicted")),
            name="label_agrees",
        )
    ],
)
PANDERA_CHECKS: Final = {
    "confidence_high": "in_range",
    "language_listed": "isin",
    "text_asks": "str_matches",
    "text_length": "str_length",
    "label_agrees": "label_agrees",
}
"""By expectation: how pandera's name of a check begins."""


def _pandera(frame: pl.DataFrame) -> pl.DataFrame:
    try:
        PANDERA.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as found:
        return found.failure_cases
    return pl.DataFrame(schema={"column": pl.String, "check": pl.String, "index": pl.Int32})


def _of_pandera(cases: pl.DataFrame) -> Rows:
    missing = {
        f"{name}_known": (pl.col("column") == name) & (pl.col("check") == "not_nullable")
        for name in BOUNDED
    }
    bounded = {
        name: pl.col("check").str.starts_with(check) for name, check in PANDERA_CHECKS.items()
    }
    return {
        name: cases.filter(which)["index"].cast(pl.Int64).sort()
        for name, which in {**missing, **bounded}.items()
    }


class Candidate(dy.Schema):
    """A candidate, as dataframely checks it."""

    round = dy.Int32(nullable=True)
    row = dy.Int64(nullable=True)
    confidence = dy.Float64(nullable=False)
    language = dy.String(nullable=False)
    text = dy.String(nullable=False)
    label = dy.Int64(nullable=False)
    predicted = dy.Int64(nullable=False)

    @dy.rule()
    def confidence_high(cls) -> pl.Expr:  # noqa: N805  dataframely makes it a class method
        """Whether it is sure enough."""
        return pl.col("confidence").is_between(*CONFIDENCE)

    @dy.rule()
    def language_listed(cls) -> pl.Expr:  # noqa: N805  dataframely makes it a class method
        """Whether the language is known."""
        return pl.col("language").is_in(LANGUAGES)

    @dy.rule()
    def text_asks(cls) -> pl.Expr:  # noqa: N805  dataframely makes it a class method
        """Whether the text is a question."""
        return pl.col("text").str.contains(PATTERN)

    @dy.rule()
    def text_length(cls) -> pl.Expr:  # noqa: N805  dataframely makes it a class method
        """Whether the text is of the wanted length."""
        return pl.col("text").str.len_chars().is_between(*LENGTHS)

    @dy.rule()
    def label_agrees(cls) -> pl.Expr:  # noqa: N805  dataframely makes it a class method
        """Whether the labels are the same."""
        return pl.col("label") == pl.col("predicted")


def _dataframely(frame: pl.DataFrame) -> pl.DataFrame:
    _, failure = Candidate.filter(frame)
    return failure.details()


def _of_dataframely(details: pl.DataFrame) -> Rows:
    columns = {name: name.replace("_known", "|nullability") for name in JUDGED}
    return {
        name: details.filter(pl.col(column) == "invalid")["row"].sort()
        for name, column in columns.items()
    }


def _pointblank(frame: pl.DataFrame) -> pb.Validate:
    return (
        pb.Validate(frame)
        .col_vals_not_null(list(BOUNDED))
        .col_vals_between("confidence", *CONFIDENCE, na_pass=True)
        .col_vals_in_set("language", [*LANGUAGES, None])
        .col_vals_regex("text", PATTERN, na_pass=True)
        .col_vals_str_len("text", min_val=LENGTHS[0], max_val=LENGTHS[1], na_pass=True)
        .col_vals_eq("label", pb.col("predicted"), na_pass=True)
        .interrogate(extract_limit=len(frame))
    )


def _of_pointblank(found: pb.Validate) -> Rows:
    extracts = found.get_data_extracts()
    return {name: extracts[step]["row"].sort() for step, name in enumerate(JUDGED, 1)}


OURS: Final = Peer("ours", TOLD, _ours, _of_verdicts)
FLOOR: Final = Peer("Polars by hand", TOLD, _hand, _of_verdicts)
PEERS: Final = (
    OURS,
    FLOOR,
    Peer("Polars by hand, no reasons", BARE, _bare, _of_verdicts),
    Peer("Great Expectations, COMPLETE", LISTED, _great_expectations, _of_great_expectations),
    Peer("pandera, lazy", LISTED, _pandera, _of_pandera),
    Peer("dataframely, failure details", LISTED, _dataframely, _of_dataframely),
    Peer("pointblank, extracts", LISTED, _pointblank, _of_pointblank),
)
