"""Records of PROV-JSON that come by the round, shard, mix or model: few, and made one by one.

    source ◁ used ── ingestion ◁ wasGeneratedBy ── accepted rows of round 0 ◁ wasDerivedFrom ─┐
    suite ◁ wasAssociatedWith ── verification ◁ wasGeneratedBy ── accepted rows of a round ◁ ─┤
    generator ◁ wasAssociatedWith ── generation ── used ▷ mix ── hadMember ▷ part of a mix ───┘
    model that was asked ◁ wasAssociatedWith ──┘

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

from lineage import record, schema
from lineage.export import names
from lineage.export.prov_requests import Asked
from lineage.export.prov_rows import LETTERS as ROW_LETTERS
from lineage.export.prov_rows import RoundRows
from lineage.export.values import LARGEST, sound

LETTERS: Final = {
    **ROW_LETTERS,
    "used": "u",
    "wasInformedBy": "i",
}
INT: Final = 1 << 31
EMPTY: Final[Mapping[str, object]] = {}
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)

Json = dict[str, Any]


class Records:
    """Records by kind and name."""

    def __init__(self) -> None:
        """Start without records."""
        self.content: dict[str, dict[str, Json]] = defaultdict(dict)

    def element(
        self,
        record_kind: str,
        name: str,
        label: str,
        is_a: str,
        attributes: Mapping[str, object] = EMPTY,
    ) -> str:
        """Add an entity, activity or agent, or further attributes of it; return its name."""
        facts = {"prov:type": qualified(is_a), "prov:label": label, **attributed(attributes)}
        self.content[record_kind].setdefault(name, {}).update(facts)
        return name

    def relate(self, record_kind: str, ends: Mapping[str, object]) -> None:
        """Add a relation between the elements in `ends`."""
        relations = self.content[record_kind]
        relations[f"_:{LETTERS[record_kind]}{len(relations)}"] = dict(ends)


def build(rounds: Sequence[RoundRows], asked: Sequence[Asked]) -> Records:
    """Build all records of some rounds that do not come by the row.

    Args:
        rounds: the rounds.
        asked: of each, who was asked for it.
    """
    records = Records()
    for rows, models in zip(rounds, asked, strict=True):
        _accepted(records, rows)
        _ingestion(records, rows)
        _generations(records, rows)
        _models(records, rows, models)
        _verification(records, rows)
    _mixes(records, rounds)
    return records


def qualified(name: str) -> Json:
    """Write a qualified name as a value."""
    return {"$": name, "type": "xsd:QName"}


def attributed(values: Mapping[str, object]) -> Json:
    """Write attributes in the project's vocabulary; unknown and nested values are left out.

    A tuple of texts is an attribute with several values.

    >>> attributed({"shard": 3, "kind": "diffusion/1", "tag": None})
    {'stemma:shard': {'$': '3', 'type': 'xsd:int'}, 'stemma:kind': 'diffusion/1'}
    """
    plain = {name: _value(value) for name, value in values.items() if _NAME.fullmatch(name)}
    return {f"stemma:{name}": value for name, value in plain.items() if value is not None}


def _value(value: object) -> object:
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, tuple) and value and all(isinstance(each, str) for each in value):
        return [sound(each) for each in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and -LARGEST <= value <= LARGEST:
        return {"$": str(value), "type": "xsd:int" if -INT <= value < INT else "xsd:long"}
    if isinstance(value, float):
        return {"$": repr(value), "type": "xsd:double"}
    return None


def _own(rows: RoundRows, what: str) -> str:
    return names.within(rows.round.dataset, rows.round.number, what)


def _title(rows: RoundRows) -> str:
    return f"round {rows.round.number} of {rows.round.dataset}"


def _accepted(records: Records, rows: RoundRows) -> None:
    """Add the collection of the rows that a round accepted."""
    if not rows.round.decided:
        return
    text, integer = rows.round.text, rows.round.integer
    attributes = {
        "dataset": rows.round.dataset,
        "round": rows.round.number,
        "commit": rows.round.commit,
        "tag": rows.round.tag,
        "guard": text("guard", "verdict"),
        "candidates": integer("counts", "candidates"),
        "accepted": integer("counts", "accepted"),
    }
    label = f"accepted rows of {_title(rows)}"
    records.element("entity", _own(rows, "accepted"), label, "prov:Collection", attributes)


def _ingestion(records: Records, rows: RoundRows) -> None:
    """Add the ingestion of real rows from a source."""
    if not rows.real:
        return
    activity, accepted = _own(rows, "ingestion"), _own(rows, "accepted")
    records.element("activity", activity, f"ingestion of {_title(rows)}", "stemma:Ingestion")
    if rows.round.number == 0:
        records.relate("wasGeneratedBy", {"prov:entity": accepted, "prov:activity": activity})
    source = rows.round.text("source")
    if source is None:
        return
    attributes = {"licence": rows.round.text("licence")}
    entity = names.named("source", source)
    records.element("entity", entity, source, "stemma:Source", attributes)
    records.relate("used", {"prov:activity": activity, "prov:entity": entity})
    if rows.round.decided:
        ends = {"prov:generatedEntity": accepted, "prov:usedEntity": entity}
        records.relate("wasDerivedFrom", {**ends, "prov:type": qualified("prov:PrimarySource")})


def _generations(records: Records, rows: RoundRows) -> None:
    """Add the shards of a round, with their generators and what those learned from."""
    for made in rows.generations.iter_rows(named=True):
        activity = _own(rows, f"generation/{made['number']}")
        if made["attribution"] == record.REVIEWED:
            _review(records, rows, activity, made)
            continue
        attributes = {
            name: made[name] for name in ("shard", "seed", "generator", "attribution", "rows")
        }
        label = f"generation of {_title(rows)}"
        records.element("activity", activity, label, "stemma:Generation", attributes)
        digest = made["generator"]
        if digest is not None:
            agent = _generator(records, digest, rows.round.mapping("generator"))
            records.relate("wasAssociatedWith", {"prov:activity": activity, "prov:agent": agent})
        if made["trained_on"] is None:
            learned = names.named("model", digest or "unknown")
            label = rows.round.opaque_model
            kind = "Simulator" if made["attribution"] == schema.SIMULATED else "OpaqueModel"
            about = {"generator": digest, "licence": rows.round.model_licence}
            records.element("entity", learned, label, f"stemma:{kind}", about)
        else:
            learned = names.named("mix", made["trained_on"])
        records.relate("used", {"prov:activity": activity, "prov:entity": learned})


def _review(records: Records, rows: RoundRows, activity: str, made: Mapping[str, Any]) -> None:
    """Add what reviewers edited of a round: the work of people, to whom no generator is named."""
    attributes = {name: made[name] for name in ("attribution", "rows")}
    label = f"edits by reviewers of {_title(rows)}"
    records.element("activity", activity, label, "stemma:Review", attributes)
    people = _own(rows, "reviewers")
    records.element("agent", people, f"reviewers of {_title(rows)}", "stemma:Reviewers")
    records.relate("wasAssociatedWith", {"prov:activity": activity, "prov:agent": people})


def _models(records: Records, rows: RoundRows, asked: Asked) -> None:
    """Add the models that were asked, and the templates by which they were."""
    for model in asked.models:
        label = f"model {model.model}"
        records.element("agent", model.agent, label, "prov:SoftwareAgent", model.attributes())
    for digest in asked.templates:
        name, label = names.named("template", digest), f"template {digest[:12]}"
        records.element("entity", name, label, "prov:Plan", {"digest": digest})
    for number, agent in asked.generations:
        activity = _own(rows, f"generation/{number}")
        records.relate("wasAssociatedWith", {"prov:activity": activity, "prov:agent": agent})


def _generator(records: Records, digest: str, recorded: Mapping[str, Any]) -> str:
    attributes = recorded if recorded.get("digest") == digest else {"digest": digest}
    label = f"generator {digest[:12]}"
    agent = names.named("generator", digest)
    return records.element("agent", agent, label, "prov:SoftwareAgent", attributes)


def _verification(records: Records, rows: RoundRows) -> None:
    """Add the verification by a suite, which the accepted rows came from."""
    arrived = rows.round.arrived
    if not rows.round.decided or (rows.generations.is_empty() and not arrived):
        return
    activity = _own(rows, "verification")
    records.element("activity", activity, f"verification of {_title(rows)}", "stemma:Verification")
    ends = {"prov:entity": _own(rows, "accepted"), "prov:activity": activity}
    records.relate("wasGeneratedBy", ends)
    informants = ["ingestion"] if arrived else []
    informants += [f"generation/{number}" for number in range(len(rows.generations))]
    for name in informants:
        informant = _own(rows, name)
        ends = {"prov:informed": activity, "prov:informant": informant}
        records.relate("wasInformedBy", ends)
    suite = rows.round.text("verdicts", "suite")
    if suite is not None:
        expectations = rows.round.mapping("verdicts", "expectations")
        attributes = {"digest": suite, "expectations": len(expectations)}
        label = f"verifier suite {suite[:12]}"
        agent = names.named("suite", suite)
        records.element("agent", agent, label, "prov:SoftwareAgent", attributes)
        records.relate("wasAssociatedWith", {"prov:activity": activity, "prov:agent": agent})


def _mixes(records: Records, rounds: Iterable[RoundRows]) -> None:
    """Add the mixes that generators learned from, each with a part per round."""
    mixes = [rows.round.mix for rows in rounds]
    by_digest = {mix["digest"]: mix for mix in mixes if mix is not None}
    used = [rows.generations["trained_on"].drop_nulls().to_list() for rows in rounds]
    for digest in dict.fromkeys(chain.from_iterable(used)):
        manifest = by_digest.get(digest, {"digest": digest})
        mix = names.named("mix", digest)
        records.element("entity", mix, f"mix {digest[:12]}", "prov:Collection", manifest)
        for part in manifest.get("rounds", ()):
            _part(records, mix, manifest, part)


def _part(records: Records, mix: str, manifest: Mapping[str, Any], part: Mapping[str, Any]) -> None:
    """Add the part of a mix that one round gives."""
    dataset, number = manifest["dataset"], part["round"]
    title = f"round {number} of {dataset}"
    name = names.named("mix", manifest["digest"], number)
    label = f"rows of {title} in mix {manifest['digest'][:12]}"
    records.element("entity", name, label, "prov:Collection", part)
    accepted = names.within(dataset, number, "accepted")  # the round may not be exported itself
    where = {"dataset": dataset, "round": number}
    records.element("entity", accepted, f"accepted rows of {title}", "prov:Collection", where)
    records.relate("hadMember", {"prov:collection": mix, "prov:entity": name})
    records.relate("wasDerivedFrom", {"prov:generatedEntity": name, "prov:usedEntity": accepted})
