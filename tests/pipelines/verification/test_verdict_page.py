"""The page of failures by reason: images, texts and table rows, and nothing that can act."""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser

import polars as pl
import pytest
from PIL import Image

from lineage.schema import VERDICTS
from pipelines.features import thumbnails
from pipelines.features.images import IMAGE
from pipelines.verification.verdicts import examples, page, report
from pipelines.verification.verdicts.report import Report

NASTY = "</pre><script>alert(1)</script>&amp;\"'"
ROWS = 12


class Page(HTMLParser):
    """Tags of a page, and the text within each kind."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.tags[-1][0] if self.tags else "", []).append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def picture(size: tuple[int, int] = (8, 8), mode: str = "L", form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, None).save(buffer, format=form)
    return buffer.getvalue()


def verdicts(name: str, detail: str, severity: str = "critical") -> pl.DataFrame:
    """The odd rows fail."""
    rows = pl.Series("row", range(ROWS), pl.Int64)
    frame = pl.DataFrame(rows).with_columns(
        pl.lit(3, pl.Int32).alias("round"),
        pl.lit(name).alias("expectation"),
        pl.lit(severity).alias("severity"),
        pl.when(pl.col("row") % 2 == 1)
        .then(pl.lit("failed"))
        .otherwise(pl.lit("passed"))
        .alias("verdict"),
        pl.lit(None, pl.Float64).alias("observed"),
        pl.when(pl.col("row") % 2 == 1).then(pl.lit(detail)).alias("detail"),
    )
    return frame.select(list(VERDICTS))


def grouped(*parts: pl.DataFrame, rows: int = 4) -> Report:
    """A report of expectations about single rows."""
    whole = pl.concat(parts)
    expectations = {
        name: {
            "severity": part["severity"][0],
            "level": "row",
            **{
                word: int((part["verdict"] == word).sum())
                for word in ("passed", "failed", "unknown")
            },
            "sentence": f"{name} must hold.",
            "limits": {"min_value": 3},
        }
        for (name,), part in whole.group_by("expectation", maintain_order=True)
    }
    lineage = pl.LazyFrame(
        {"row": range(ROWS), "sample_id": [bytes([row]) * 32 for row in range(ROWS)]},
        schema_overrides={"row": pl.Int64},
    )
    return report.build(
        whole,
        {"suite": "ab" * 32, "expectations": expectations},
        lineage,
        dataset="d",
        number=3,
        rows=rows,
    )


def drawn(result: Report, **columns: pl.Series) -> tuple[str, Page]:
    candidates = pl.LazyFrame({"row": pl.Series(range(ROWS), dtype=pl.Int64), **columns})
    text = page.draw(result, report.shown(candidates, result))
    return text, Page(text)


def test_texts_are_text_whatever_they_hold() -> None:
    result = grouped(verdicts(f"clean {NASTY}", f"says {NASTY}"))
    text, seen = drawn(result, text=pl.Series([NASTY] * ROWS), label=pl.Series([NASTY] * ROWS))
    assert not seen.of("script")
    assert seen.texts["pre"].count(NASTY) == 4
    assert NASTY in seen.texts["b"]
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text
    assert "light dark" in text
    assert "http:" not in text
    assert "https:" not in text


def test_images_are_bounded_pictures_with_words_for_who_cannot_see_them() -> None:
    files = [picture((300, 200), "RGB"), picture((8, 8)), b"GIF89a", None] * 3
    images = pl.Series([{"bytes": item, "path": None} for item in files], dtype=IMAGE)
    result = grouped(verdicts("whole", "label 3, seen 5"))
    text, seen = drawn(result, image=images, label=pl.Series([3] * ROWS))
    shown = seen.of("img")
    assert len(shown) == 2
    assert shown[0]["alt"] == "image of row 1, asked for 3: label 3, seen 5"
    assert text.count("cannot be shown as an image") == 2
    assert {
        row: [part.picture is None for part in item.parts]
        for row, item in report.shown(
            pl.LazyFrame({"row": pl.Series(range(ROWS), dtype=pl.Int64), "image": images}), result
        ).items()
    } == {1: [False], 3: [True], 5: [False], 7: [True]}


def test_rows_of_a_table_show_their_columns_by_name() -> None:
    result = grouped(verdicts("sane", "age 140"))
    many = {f"c{number}": pl.Series([number] * ROWS) for number in range(examples.COLUMNS + 3)}
    _, seen = drawn(
        result, age=pl.Series([None, 140] * 6), tags=pl.Series([["a", "b"]] * ROWS), **many
    )
    assert "age" in seen.texts["b"]
    assert "140" in seen.texts["pre"]
    assert "['a', 'b']" in seen.texts["pre"]
    assert "and 5 more columns" in seen.texts["pre"]


def test_counts_reasons_and_addresses() -> None:
    result = grouped(
        verdicts("a", "label 1, seen 2"),
        verdicts("b", "dull", "warning"),
        verdicts("c", "x").with_columns(verdict=pl.lit("passed"), detail=pl.lit(None, pl.String)),
    )
    assert (result.candidates, result.rejected, result.marked, result.stopped) == (12, 6, 0, False)
    assert [item.name for item in result.judged] == ["a", "c", "b"]
    text, seen = drawn(result)
    assert "6 failed" in text
    assert "label 1, seen 2" in text
    assert "6 candidates, the first 4" in " ".join(text.split())
    assert seen.texts["code"].count("01" * 6) == 3, "twice as an example, once beside the set"
    assert "a + b" in text
    assert [attributes["id"] for attributes in seen.of("details")] == ["a", "b"]
    assert text.index("c must hold.") > text.index("b must hold.")


def test_a_round_that_is_refused_as_a_whole_says_so() -> None:
    whole = (
        verdicts("enough", "observed 3", "critical")
        .tail(1)
        .with_columns(row=pl.lit(None, pl.Int64))
    )
    rows = verdicts("fine", "")
    passed = rows.with_columns(verdict=pl.lit("passed"), detail=pl.lit(None, pl.String))
    result = grouped(passed, whole)
    enough = next(item for item in result.judged if item.name == "enough")
    assert (enough.verdict, result.rejected) == ("failed", 0)
    by_table = {"level": "table", "severity": "critical", "passed": 0, "failed": 1, "unknown": 0}
    again = report.build(
        whole,
        {"suite": "ab", "expectations": {"enough": by_table}},
        pl.LazyFrame(schema={"row": pl.Int64, "sample_id": pl.Binary}),
        dataset="d",
        number=3,
    )
    assert again.stopped
    text, _ = drawn(again)
    assert "refused" in text
    assert "observed 3" in text


def test_json_names_the_samples() -> None:
    (judged,) = grouped(verdicts("a", "dull"), rows=2).to_dict()["expectations"]
    assert judged["sentence"] == "a must hold."
    assert judged["reasons"] == [
        {
            "verdict": "failed",
            "reason": "dull",
            "count": 6,
            "observed": None,
            "examples": [{"row": 1, "sample": "01" * 6}, {"row": 3, "sample": "03" * 6}],
        }
    ]


@pytest.mark.parametrize(
    ("size", "mode", "form"),
    [
        ((2000, 10), "RGB", "JPEG"),
        ((50, 700), "RGBA", "PNG"),
        ((8, 8), "P", "PNG"),
        ((9, 9), "1", "PNG"),
        ((64, 64), "CMYK", "JPEG"),
    ],
)
def test_a_thumbnail_is_small_and_a_png(size: tuple[int, int], mode: str, form: str) -> None:
    uri = thumbnails.data_uri(picture(size, mode, form), 96)
    assert uri is not None
    head, _, data = uri.partition(",")
    assert head == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert image.format == "PNG"
        assert max(image.size) == min(max(size), 96)


@pytest.mark.parametrize("data", [None, b"", b"GIF89a", picture((3000, 3000)), picture()[:40]])
def test_what_is_no_image_within_the_limits_has_no_thumbnail(data: bytes | None) -> None:
    assert thumbnails.data_uri(data, 96) is None
