"""How a data set came to be, for Croissant: in PROV's terms, and in the words that RAI asks for.

The terms are those of http://mlcommons.org/croissant/RAI/1.0 and of PROV-O. Only what the lake
records is told: who is in the data, or what it may be used for, it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lineage.export import names
from lineage.export.figures import Figures
from lineage.export.values import Origin, Round

Json = dict[str, Any]


def description(origin: Origin, measured: Mapping[str, Figures]) -> str:
    """What is there, in a paragraph."""
    told = "; ".join(
        f"{name}: {each.real:,} real and {each.generated:,} generated samples"
        for name, each in measured.items()
    )
    return (
        f"{told}. Accepted samples of each round with their lineage, verdicts and decisions, as "
        f"{origin.ref} of the lake repository {origin.repository} holds them "
        f"(commit {origin.commit[:12]})."
    )


def provenance(origin: Origin, rounds: Sequence[Round]) -> Json:
    """Sources, and the activities that led from them to the data."""
    sources = {
        source["@id"]: source for each in rounds if (source := _source(origin, each)) is not None
    }
    activities = [activity for each in rounds for activity in _activities(origin, each)]
    found = {"prov:wasDerivedFrom": list(sources.values()), "prov:wasGeneratedBy": activities}
    return {name: each for name, each in found.items() if each}


def responsible(rounds: Sequence[Round], measured: Mapping[str, Figures]) -> Json:
    """What the RAI vocabulary asks for, as far as the lake knows."""
    real = any(each.real for each in measured.values())
    made = any(each.generated for each in measured.values())
    kinds = [
        *(["Secondary Data analysis"] if real else []),
        *(["Others: sampled from generative models"] if made else []),
    ]
    held_out = [told for each in rounds if (told := _held_out(each))]
    suites = dict.fromkeys(told for each in rounds if (told := _suite(each)))
    found = {
        "rai:dataCollection": " ".join(_collected(name, each) for name, each in measured.items()),
        "rai:dataCollectionType": kinds,
        "rai:dataCollectionRawData": " ".join(told for each in rounds if (told := _raw(each))),
        "rai:dataPreprocessingProtocol": held_out,
        "rai:dataManipulationProtocol": " ".join(told for each in rounds if (told := _made(each))),
        "rai:machineAnnotationTools": list(suites),
        "rai:dataLimitations": [told for each in measured.items() for told in _limits(*each)],
        "rai:dataReleaseMaintenancePlan": "A round is published by a merge into main, and tagged. "
        "Tags never move: a round that is published again has a new one, as v3.1 after v3.",
    }
    return {name: each for name, each in found.items() if each}


def _source(origin: Origin, each: Round) -> Json | None:
    source, terms = each.text("source"), each.text("licence")
    if source is None:
        return None
    about = {"license": terms} if terms else {}
    name = names.iri(names.named("source", source), origin)
    return {"@id": name, "@type": "prov:Entity", "prov:label": source, **about}


def _activities(origin: Origin, each: Round) -> Iterator[Json]:
    """Ingestion of real data, or generation and verification of a round."""
    source = _source(origin, each)
    if source is not None:
        yield _activity(origin, each, "ingestion", used={"@id": source["@id"]})
    generator, suite = each.text("generator", "digest"), each.text("verdicts", "suite")
    if generator is not None:
        label = each.text("generator", "kind") or "generator"
        agent = _agent(origin, "generator", generator, label)
        yield _activity(origin, each, "generation", agent, _learned(origin, each))
    if suite is not None:
        agent = _agent(origin, "suite", suite, f"verifier suite {suite[:12]}")
        yield _activity(origin, each, "verification", agent)


def _activity(
    origin: Origin, each: Round, what: str, agent: Json | None = None, used: Json | None = None
) -> Json:
    about = {"prov:wasAssociatedWith": agent, "prov:used": used}
    return {
        "@id": names.iri(names.within(each.dataset, each.number, what), origin),
        "@type": "prov:Activity",
        "prov:label": f"{what} of round {each.number} of {each.dataset}",
        **{name: found for name, found in about.items() if found is not None},
    }


def _agent(origin: Origin, prefix: str, digest: str, label: str) -> Json:
    name = names.iri(names.named(prefix, digest), origin)
    return {"@id": name, "@type": "prov:SoftwareAgent", "prov:label": label}


def _learned(origin: Origin, each: Round) -> Json:
    """The mix of a round's generator, or a model of unknown training data."""
    mix = each.mix
    if mix is None:
        name = names.named("model", each.text("generator", "digest") or "unknown")
        label = "a model of unknown training data"
        return {"@id": names.iri(name, origin), "@type": "prov:Entity", "prov:label": label}
    name = names.iri(names.named("mix", mix["digest"]), origin)
    return {"@id": name, "@type": "prov:Collection", "prov:label": _mix(mix)}


def _mix(mix: Mapping[str, Any]) -> str:
    rounds = [str(each["round"]) for each in mix["rounds"]]
    places = f"round{'s' if len(rounds) > 1 else ''} {', '.join(rounds)} of {mix['dataset']}"
    return (
        f"mix {mix['digest'][:12]} ({mix['regime']}: {mix['rows']:,} rows of {places}, "
        f"real share {mix['real_share']:.3f})"
    )


def _collected(name: str, each: Figures) -> str:
    return (
        f"{name}: {each.real:,} samples are real, {each.generated:,} were sampled from generative "
        "models and accepted by a verifier suite."
    )


def _raw(each: Round) -> str | None:
    source = each.text("source")
    if source is None:
        return None
    return f"{each.dataset}: {source}, licence {each.text('licence') or 'not stated'}."


def _held_out(each: Round) -> str | None:
    rows, validation, test = (
        each.whole("counts", name) for name in ("candidates", "validation", "test")
    )
    if validation is None:
        return None
    return (
        f"{each.dataset}: of {rows or 0:,} real rows, {validation:,} were held out for validation "
        f"and {test or 0:,} for a final test before anything else, near-duplicates together; they "
        "are in a repository of their own."
    )


def _made(each: Round) -> str | None:
    if not each.about("generator"):
        return None
    mix = each.mix
    learned = f"fitted on {_mix(mix)}" if mix else "of unknown training data"
    words = ("accepted", "rejected", "duplicate")
    counts = {word: each.whole("counts", word) for word in words}
    kept = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count is not None)
    kind, made = each.text("generator", "kind"), each.whole("counts", "candidates")
    return (
        f"{each.dataset}, round {each.number}: {kind or 'a generator'}, {learned}, made "
        f"{made or 0:,} candidates{f': {kept}' if kept else ''}."
    )


def _suite(each: Round) -> str | None:
    suite = each.text("verdicts", "suite")
    if suite is None:
        return None
    count = len(each.about("verdicts", "expectations"))
    return f"Great Expectations suite {suite[:12]} of {each.dataset}: {count} expectations"


def _limits(name: str, each: Figures) -> Iterator[str]:
    """How far the samples are from real data, and what that means."""
    rows = each.real + each.generated
    if not each.generated:
        return
    steps = f"{each.depth_max} generation{'s' if each.depth_max != 1 else ''}"
    far = f", up to {steps} away from real data" if each.depth_max else ""
    yield (
        f"{name}: {each.generated / rows:.1%} of the samples are generated{far}. A model that "
        "learns from generated samples alone, round after round, loses the tails of the "
        "distribution first."
    )
    if each.real_roots is not None and each.real_roots < 1:
        yield (
            f"{name}: {1 - each.real_roots:.1%} of the ancestry ends at models of unknown training "
            "data."
        )
