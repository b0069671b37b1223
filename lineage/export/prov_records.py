"""Records of PROV-JSON that come by the round, shard, mix or model: few, and made one by one.

    source ◁ used ── ingestion ◁ wasGeneratedBy ── accepted rows of round 0 ◁ wasDerivedFrom ─┐
    suite ◁ wasAssociatedWith ── verification ◁ wasGeneratedBy ── accepted rows of a round ◁ ─┤
    generator ◁ wasAssociatedWith ── generation ── used ▷ mix ── hadMember ▷ part of a mix ───┘

A mix has a part for each round that it takes rows from, which was derived from what that round
accepted: all of it, or a sample. So a mix costs an edge per round and never one per row. A
generator of unknown training data used an opaque model instead of a mix.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from lineage.export import names
from lineage.export.prov_rows import LETTERS as ROW_LETTERS
from lineage.export.prov_rows import RoundRows
from lineage.export.values import LARGEST, sound

LETTERS: Final = {
    **ROW_LETTERS,
    "used": "u",
    "wasAssociatedWith": "a",
    "wasInformedBy": "i",
}
INT: Final = 1 << 31
EMPTY: Final[Mapping[str, object]] = {}
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)

Json = dict[str, Any]


class Records:
    """Records by kind, each under its name."""

    def __init__(self) -> None:
        """Begin with none."""
        self.content: dict[str, dict[str, Json]] = defaultdict(dict)

    def element(
        self, kind: str, name: str, label: str, is_a: str, about: Mapping[str, object] = EMPTY
    ) -> str:
        """Add an entity, activity or agent, or what is known of it besides; return its name."""
        facts = {"prov:type": qualified(is_a), "prov:label": label, **attributed(about)}
        self.content[kind].setdefault(name, {}).update(facts)
        return name

    def relate(self, kind: str, about: Mapping[str, object]) -> None:
        """Add a relation: `about` names its ends."""
        known = self.content[kind]
        known[f"_:{LETTERS[kind]}{len(known)}"] = dict(about)


def build(rounds: Sequence[RoundRows]) -> Records:
    """All records of some rounds that do not come by the row."""
    records = Records()
    for each in rounds:
        _accepted(records, each)
        _ingestion(records, each)
        _generations(records, each)
        _verification(records, each)
    _mixes(records, rounds)
    return records


def qualified(name: str) -> Json:
    """A qualified name as a value."""
    return {"$": name, "type": "xsd:QName"}


def attributed(values: Mapping[str, object]) -> Json:
    """Attributes in the project's vocabulary; what is not known, or is no plain value, is absent.

    >>> attributed({"shard": 3, "kind": "diffusion/1", "tag": None})
    {'stemma:shard': {'$': '3', 'type': 'xsd:int'}, 'stemma:kind': 'diffusion/1'}
    """
    plain = {name: _value(each) for name, each in values.items() if _NAME.fullmatch(name)}
    return {f"stemma:{name}": each for name, each in plain.items() if each is not None}


def _value(value: object) -> object:
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and -LARGEST <= value <= LARGEST:
        return {"$": str(value), "type": "xsd:int" if -INT <= value < INT else "xsd:long"}
    if isinstance(value, float):
        return {"$": repr(value), "type": "xsd:double"}
    return None


def _own(each: RoundRows, what: str) -> str:
    return names.within(each.round.dataset, each.round.number, what)


def _title(each: RoundRows) -> str:
    return f"round {each.round.number} of {each.round.dataset}"


def _accepted(records: Records, each: RoundRows) -> None:
    """The collection of the rows that a round accepted."""
    if not each.round.decided:
        return
    text, whole = each.round.text, each.round.whole
    about = {
        "dataset": each.round.dataset,
        "round": each.round.number,
        "commit": each.round.commit,
        "tag": each.round.tag,
        "guard": text("guard", "verdict"),
        "candidates": whole("counts", "candidates"),
        "accepted": whole("counts", "accepted"),
    }
    label = f"accepted rows of {_title(each)}"
    records.element("entity", _own(each, "accepted"), label, "prov:Collection", about)


def _ingestion(records: Records, each: RoundRows) -> None:
    """Real rows came into the lake from a source."""
    if not each.real:
        return
    activity, accepted = _own(each, "ingestion"), _own(each, "accepted")
    records.element("activity", activity, f"ingestion of {_title(each)}", "stemma:Ingestion")
    if each.round.number == 0:
        records.relate("wasGeneratedBy", {"prov:entity": accepted, "prov:activity": activity})
    source = each.round.text("source")
    if source is None:
        return
    about = {"licence": each.round.text("licence")}
    entity = names.named("source", source)
    records.element("entity", entity, source, "stemma:Source", about)
    records.relate("used", {"prov:activity": activity, "prov:entity": entity})
    if each.round.decided:
        ends = {"prov:generatedEntity": accepted, "prov:usedEntity": entity}
        records.relate("wasDerivedFrom", {**ends, "prov:type": qualified("prov:PrimarySource")})


def _generations(records: Records, each: RoundRows) -> None:
    """The shards of a round, with their generators and what those learned from."""
    for made in each.generations.iter_rows(named=True):
        activity = _own(each, f"generation/{made['number']}")
        about = {name: made[name] for name in ("shard", "seed", "generator", "attribution", "rows")}
        label = f"generation of {_title(each)}"
        records.element("activity", activity, label, "stemma:Generation", about)
        digest = made["generator"]
        if digest is not None:
            agent = _generator(records, digest, each.round.about("generator"))
            records.relate("wasAssociatedWith", {"prov:activity": activity, "prov:agent": agent})
        if made["trained_on"] is None:
            learned = names.named("model", digest or "unknown")
            label = "a model of unknown training data"
            records.element("entity", learned, label, "stemma:OpaqueModel", {"generator": digest})
        else:
            learned = names.named("mix", made["trained_on"])
        records.relate("used", {"prov:activity": activity, "prov:entity": learned})


def _generator(records: Records, digest: str, said: Mapping[str, Any]) -> str:
    about = said if said.get("digest") == digest else {"digest": digest}
    label = f"generator {digest[:12]}"
    agent = names.named("generator", digest)
    return records.element("agent", agent, label, "prov:SoftwareAgent", about)


def _verification(records: Records, each: RoundRows) -> None:
    """What was generated was judged by a suite; that left the accepted rows."""
    if not each.round.decided or each.generations.is_empty():
        return
    activity = _own(each, "verification")
    records.element("activity", activity, f"verification of {_title(each)}", "stemma:Verification")
    ends = {"prov:entity": _own(each, "accepted"), "prov:activity": activity}
    records.relate("wasGeneratedBy", ends)
    for number in range(len(each.generations)):
        informant = _own(each, f"generation/{number}")
        ends = {"prov:informed": activity, "prov:informant": informant}
        records.relate("wasInformedBy", ends)
    suite = each.round.text("verdicts", "suite")
    if suite is not None:
        expectations = each.round.about("verdicts", "expectations")
        about = {"digest": suite, "expectations": len(expectations)}
        label = f"verifier suite {suite[:12]}"
        agent = names.named("suite", suite)
        records.element("agent", agent, label, "prov:SoftwareAgent", about)
        records.relate("wasAssociatedWith", {"prov:activity": activity, "prov:agent": agent})


def _mixes(records: Records, rounds: Iterable[RoundRows]) -> None:
    """The mixes that generators learned from, each with a part for each of its rounds."""
    said = [each.round.mix for each in rounds]
    known = {mix["digest"]: mix for mix in said if mix is not None}
    used = [each.generations["trained_on"].drop_nulls().to_list() for each in rounds]
    for digest in dict.fromkeys(chain.from_iterable(used)):
        about = known.get(digest, {"digest": digest})
        mix = names.named("mix", digest)
        records.element("entity", mix, f"mix {digest[:12]}", "prov:Collection", about)
        for part in about.get("rounds", ()):
            _part(records, mix, about, part)


def _part(records: Records, mix: str, about: Mapping[str, Any], part: Mapping[str, Any]) -> None:
    """What one round gives to a mix."""
    dataset, number = about["dataset"], part["round"]
    place = f"round {number} of {dataset}"
    name = names.named("mix", about["digest"], number)
    label = f"rows of {place} in mix {about['digest'][:12]}"
    records.element("entity", name, label, "prov:Collection", part)
    accepted = names.within(dataset, number, "accepted")  # the round may not be exported itself
    where = {"dataset": dataset, "round": number}
    records.element("entity", accepted, f"accepted rows of {place}", "prov:Collection", where)
    records.relate("hadMember", {"prov:collection": mix, "prov:entity": name})
    records.relate("wasDerivedFrom", {"prov:generatedEntity": name, "prov:usedEntity": accepted})
