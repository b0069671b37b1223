"""The page on which a person audits candidates: one file, one key a row, no verdicts shown.

Images are decoded under the limits of `pipelines.features.images` and written anew, texts are
escaped, and the page may load nothing, so what a generator made cannot do anything here.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Final

import polars as pl

from lake import files
from lake.visible import in_json, visible
from pipelines.common import spreadsheet
from pipelines.features import images

HIDDEN: Final = ("round", "row", "sample_id", "asked", "label")
"""Columns that are not shown as content."""
LONGEST: Final = 20_000
"""Characters of a text that are shown."""


def write(sheet: Path, drawn: pl.DataFrame, dataset: str, number: int) -> Path:
    """Write the page of a sheet beside it.

    Args:
        sheet: where the CSV file stands.
        drawn: round, row, sample_id, asked and payload of the drawn candidates.
        dataset: whose they are.
        number: of their round.
    """
    place = sheet.with_suffix(".html")
    files.write_text(place, page(drawn, f"{dataset}, round {number}", sheet.name))
    return place


def page(drawn: pl.DataFrame, title: str, name: str) -> str:
    """The page as HTML.

    Args:
        drawn: as `write`.
        title: what the page is about.
        name: of the file that its button saves.
    """
    shown = [_column(drawn[column]) for column in drawn.columns if column not in HIDDEN]
    keys = zip(
        drawn["round"].to_list(),
        drawn["row"].to_list(),
        drawn["sample_id"].bin.encode("hex").to_list(),
        drawn["asked"].to_list(),
        strict=True,
    )
    cards = [_card(*key, parts) for key, parts in zip(keys, zip(*shown, strict=True), strict=True)]
    asked = drawn["asked"].fill_null("").to_list()
    about = in_json(json.dumps({"name": name, "title": title, "asked": asked}))
    return PAGE.substitute(
        title=escape(title),
        cards="\n".join(cards),
        count=len(cards),
        about=about.replace("<", "\\u003c"),
        skipped=spreadsheet.SKIPPED,
        signs=spreadsheet.SIGNS,
        separators=spreadsheet.SEPARATORS,
    )


def _card(round_: int, row: int, sample: str, asked: str | None, parts: tuple[str, ...]) -> str:
    shown = escape(asked or "")
    data = f'data-round="{round_}" data-row="{row}" data-sample="{sample}"'
    label = f"<p>asked: <b>{shown}</b></p>" if shown else ""
    return (
        f'<article {data} tabindex="0"><header>row {row}</header>{"".join(parts)}{label}'
        '<p><button data-truth="right">right</button> <button data-truth="wrong">wrong</button></p>'
        '<input class="note" placeholder="note" aria-label="note"></article>'
    )


def _column(column: pl.Series) -> list[str]:
    """Each value as HTML."""
    if column.dtype == images.IMAGE:
        return list(_images(column))
    texts = column.cast(pl.String, strict=False).fill_null("").str.head(LONGEST)
    return [f"<h2>{escape(column.name)}</h2><pre>{escape(each)}</pre>" for each in texts]


def escape(text: str) -> str:
    """A foreign text as HTML."""
    return html.escape(visible(text, lines=True))


def _images(column: pl.Series) -> Iterator[str]:
    for pixels in images.each_lenient(column):
        if pixels.size:
            data = base64.b64encode(*images.encode(images.to_bytes(pixels[None]))).decode()
            yield f'<img alt="candidate" src="data:image/png;base64,{data}">'
        else:
            yield '<p class="missing">cannot be shown as an image</p>'


PAGE: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>$title</title>
<style>
:root { color-scheme: light dark; --line: light-dark(#bbb, #555); --bar: light-dark(#fff, #1a1a1a);
  --right: light-dark(#d6f2dc, #16401f); --wrong: light-dark(#f9d9d6, #571c17); }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1400px; padding: 0 16px; }
.bar { position: sticky; top: 0; background: var(--bar); padding: 10px 0;
  border-bottom: 1px solid var(--line); z-index: 1; }
h1 { font-size: 1.1rem; margin: 0 0 4px; } h2 { font-size: .8rem; margin: 6px 0 0; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 12px;
  padding: 12px 0; }
main.text { grid-template-columns: minmax(0, 80ch); }
article { border: 2px solid var(--line); border-radius: 6px; padding: 8px; scroll-margin: 110px; }
article:focus-within, article:focus { outline: 3px solid Highlight; outline-offset: 1px; }
article[data-truth=right] { background: var(--right); }
article[data-truth=wrong] { background: var(--wrong); }
article[data-truth=right] [data-truth=right], article[data-truth=wrong] [data-truth=wrong] {
  font-weight: bold; text-decoration: underline; }
img { width: 144px; height: 144px; object-fit: contain; image-rendering: pixelated; display: block;
  border: 1px solid var(--line); background: #808080; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
header { font-size: .8rem; } p { margin: 6px 0; } .note { width: 95%; }
button { font: inherit; } .missing { min-height: 144px; }
kbd { border: 1px solid var(--line); border-radius: 3px; padding: 0 4px; }
</style>
</head>
<body>
<div class="bar">
<h1>$title: is each candidate what was asked for?</h1>
<kbd>r</kbd> right, <kbd>w</kbd> wrong, <kbd>u</kbd> take back, arrows to move.
<span id="done" role="status">0 of $count answered</span>
<button id="save">Save the sheet</button>
</div>
<main>
$cards
</main>
<script>
"use strict";
const about = $about;
const cards = [...document.querySelectorAll("article")];
const place = "stemma:" + about.title + ":" + cards.map(each => each.dataset.sample).join("")
  .slice(0, 256);
if (!document.querySelector("article img")) document.querySelector("main").className = "text";
function note(card) { return card.querySelector(".note"); }
function tell() {
  const done = cards.filter(each => each.dataset.truth).length;
  document.getElementById("done").textContent = done + " of " + cards.length + " answered";
  const state = cards.map(each => [each.dataset.truth || "", note(each).value]);
  try { localStorage.setItem(place, JSON.stringify(state)); } catch (error) { /* not kept */ }
}
function answer(card, truth) {
  if (truth) card.dataset.truth = truth; else delete card.dataset.truth;
  tell();
}
function go(card, step) {
  const next = cards[cards.indexOf(card) + step];
  if (next) { next.focus(); next.scrollIntoView({block: "nearest"}); }
}
function columns() {
  const tops = cards.map(each => each.offsetTop);
  return Math.max(tops.findIndex(each => each !== tops[0]), 1);
}
const keys = {
  r: card => { answer(card, "right"); go(card, 1); },
  w: card => { answer(card, "wrong"); go(card, 1); },
  u: card => answer(card, ""),
  ArrowRight: card => go(card, 1), ArrowLeft: card => go(card, -1),
  ArrowDown: card => go(card, columns()), ArrowUp: card => go(card, -columns()),
};
document.addEventListener("keydown", event => {
  if (event.target.tagName === "INPUT" || event.ctrlKey || event.metaKey || event.altKey) return;
  const action = keys[event.key];
  const card = document.activeElement.closest("article") || cards[0];
  if (!action || !card) return;
  event.preventDefault();
  action(card);
});
document.addEventListener("click", event => {
  const card = event.target.closest("article");
  if (card && event.target.dataset.truth && event.target.tagName === "BUTTON") {
    answer(card, event.target.dataset.truth);
  }
});
document.addEventListener("input", tell);
const formula = /^[$skipped]*[$signs]/, broken = /^'*[\\t\\r\\n]/;
const parts = /[$separators]|[^$separators]+/g;
function guarded(part, dangerous) { return dangerous.test(part) ? "'" + part : part; }
function cell(text) {
  const whole = (text.match(parts) || []).map(part => guarded(part, formula)).join("");
  const safe = guarded(whole, broken);
  return /[",;\\t\\r\\n]|^\\s|\\s$$/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
}
document.getElementById("save").addEventListener("click", () => {
  const lines = [["round", "row", "sample_id", "asked", "truth", "note"], ...cards.map((each, at) =>
    [each.dataset.round, each.dataset.row, each.dataset.sample, about.asked[at],
      each.dataset.truth || "", note(each).value])];
  const text = lines.map(line => line.map(cell).join(",")).join("\\n") + "\\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "text/csv"}));
  link.download = about.name;
  link.click();
  URL.revokeObjectURL(link.href);
});
try {
  const state = JSON.parse(localStorage.getItem(place) || "[]");
  state.forEach(([truth, said], at) => {
    if (truth) cards[at].dataset.truth = truth;
    note(cards[at]).value = said;
  });
} catch (error) { /* nothing kept */ }
tell();
if (cards.length) (cards.find(each => !each.dataset.truth) || cards[0]).focus();
</script>
</body>
</html>
""")
