"""A diff as one page that needs nothing else: no network, no script, light and dark.

What comes from samples is escaped, pictures are small PNG files made here, and the page's own
policy forbids it to load or run anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape as escaped
from typing import Final

from lake.visible import visible
from review.cli.output import STYLES, plural
from review.diff.samples import Picture, Sample, samples
from review.diff.sections import Section, details, sections, sentences
from review.diff.values import MEANINGS, ORDER, DataDiff

POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'"
STYLE: Final = """
:root{color-scheme:light dark;--ink:#1c2024;--pale:#5f6973;--line:#d7dce1;--paper:#fff;
--card:#f6f8fa;--add:#1a7f37;--cut:#c0352b;--edit:#9a6700}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--pale:#9aa5b1;--line:#363c43;
--paper:#15181c;--card:#1e2227;--add:#4ac26b;--cut:#ff7b72;--edit:#d9a441}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:72rem;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .5rem}h3{font-size:1rem}
p.sub,figcaption,.note{color:var(--pale)}
.scroll{overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0}
th,td{border-bottom:1px solid var(--line);padding:.25rem .75rem .25rem 0;text-align:left;
vertical-align:top;font-variant-numeric:tabular-nums}
th{color:var(--pale);font-weight:600}td.bad{color:var(--cut)}td.good{color:var(--add)}
td.mild{color:var(--edit)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,
minmax(var(--least,9rem),1fr));gap:.75rem}
.cards.wide{--least:26rem}
.card{background:var(--card);border-left:3px solid var(--line);border-radius:4px;
padding:.5rem .75rem;min-width:0}
.added{border-color:var(--add)}.removed,.refused{border-color:var(--cut)}
.changed,.decision,.verdict,.parents{border-color:var(--edit)}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:.75rem}
dl{margin:0;min-width:0}dt{color:var(--pale);font-size:.8rem}
dd{margin:0 0 .25rem;white-space:pre-wrap;overflow-wrap:anywhere}
dd.differs{background:color-mix(in srgb,var(--edit) 18%,transparent)}
img{image-rendering:pixelated;min-width:64px;max-width:100%;background:#fff;border-radius:2px}
.place{font-size:.8rem;color:var(--pale);overflow-wrap:anywhere}
"""


def escape(value: str) -> str:
    """A text as it reads."""
    return escaped(visible(value, lines=True))


def rendered(found: Iterable[DataDiff], title: str, rows: int) -> str:
    """The page.

    Args:
        found: the data sets that differ.
        title: what is compared with what.
        rows: how many rows of each kind of change are shown.
    """
    body = "\n".join(part for each in found for part in _dataset(each, rows))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{escape(title)}</title><style>{STYLE}</style></head>
<body><main><h1>{escape(title)}</h1>
{body or "<p>No difference.</p>"}
</main></body></html>
"""


def _dataset(found: DataDiff, rows: int) -> Iterator[str]:
    yield f"<h2>{escape(found.dataset)}</h2>"
    yield "<ul>"
    yield from (f"<li>{escape(said)}</li>" for said in sentences(found, whole=True))
    yield "</ul>"
    for each in sections(found, whole=True):
        yield from _section(each)
    for kind in ORDER:
        yield from _kind(found, kind, rows)
    for each in details(found):
        yield from _section(each)


def _section(found: Section) -> Iterator[str]:
    if found.title:
        yield f"<h3>{escape(found.title)}</h3>"
    heads = "".join(f'<th scope="col">{escape(each)}</th>' for each in found.columns)
    yield f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>'
    for row in found.rows:
        yield "<tr>" + "".join(_cell(each) for each in row) + "</tr>"
    yield "</tbody></table></div>"


def _cell(value: str) -> str:
    mood = {"green": "good", "red": "bad", "yellow": "mild"}.get(STYLES.get(value, ""))
    if value in ("shifted", "apart"):
        mood = "mild"
    marked = f' class="{mood}"' if mood else ""
    return f"<td{marked}>{escape(value)}</td>"


def _kind(found: DataDiff, kind: str, rows: int) -> Iterator[str]:
    """Some rows of one change, as cards."""
    count = found.changes.get(kind, 0)
    if not count or not rows:
        return
    mine = found.rows.filter(found.rows["change"] == kind).head(rows)
    yield f"<h3>{kind}: {count:,} {plural('row', count)}</h3>"
    left_out = "" if count <= rows else f"; the first {rows:,} are shown"
    yield f'<p class="note">{escape(MEANINGS[kind])}{left_out}</p>'
    shown = list(samples(found, mine))
    wide = any(_is_wide(each) for each in shown)
    yield f'<div class="cards{" wide" if wide else ""}">'
    for each in shown:
        yield from _card(each)
    yield "</div>"


def _is_wide(found: Sample) -> bool:
    """Whether a card needs room: two sides, or a text."""
    if found.before and found.after:
        return True
    values = (*found.before.values(), *found.after.values())
    return any(isinstance(each, str) and len(each) > 60 for each in values)  # noqa: PLR2004  a line


def _card(found: Sample) -> Iterator[str]:
    yield f'<article class="card {found.change}">'
    both = bool(found.before and found.after)
    yield '<div class="pair">' if both else "<div>"
    for side, name in ((found.before, "before"), (found.after, "after")):
        if side:
            yield from _payload(side, found, name if both else "")
    yield "</div>"
    if found.said:
        yield f"<div>{escape(found.said)}</div>"
    named = ((name, value) for name, value in found.place.items())
    place = " · ".join(value if name == "sample_id" else f"{name} {value}" for name, value in named)
    yield f'<div class="place">{escape(place)}</div></article>'


def _payload(side: Mapping[str, str | Picture | None], found: Sample, name: str) -> Iterator[str]:
    yield "<dl>"
    for column, value in side.items():
        head = f"{column} {name}".strip()
        marked = ' class="differs"' if column in found.differing else ""
        yield f"<dt>{escape(head)}</dt><dd{marked}>{_value(value, head, found)}</dd>"
    yield "</dl>"


def _value(value: str | Picture | None, name: str, found: Sample) -> str:
    if isinstance(value, Picture):
        where = " ".join(found.place.values())
        return f'<img src="{value.uri}" alt="{escape(f"{name} of {where}")}">'
    return "<em>null</em>" if value is None else escape(value)
