"""How a data set came to be, for Croissant: in PROV's terms, and in the words that RAI asks for.

The terms are those of http://mlcommons.org/croissant/RAI/1.0 and of PROV-O. Only what the lake
records is told: who is in the data, or what it may be used for, it does not know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from lineage.export import asked, names, use_policy
from lineage.export.asked import Model
from lineage.export.figures import Figures
from lineage.export.values import SIMULATOR, Origin, Round

Json = dict[str, Any]
SHA256: Final = re.compile(r"[0-9a-f]{64}")
CONDITIONS: Final[Mapping[str, str]] = {
    "usageInfo": "usageInfo",
    "conditionsOfAccess": "conditionsOfAccess",
    "dataUseCases": "rai:dataUseCases",
    "personalSensitiveInformation": "rai:personalSensitiveInformation",
    "dataSocialImpact": "rai:dataSocialImpact",
    "dataLimitations": "rai:dataLimitations",
}
"""Terms of a description of real data, and where an export has them."""


def description(origin: Origin, measured: Mapping[str, Figures]) -> str:
    """Describe the data set in a paragraph."""
    told = "; ".join(
        f"{name}: {figures.real:,} real and {figures.generated:,} generated samples"
        for name, figures in measured.items()
    )
    return (
        f"{told}. Accepted samples of each round with their lineage, verdicts and decisions, as "
        f"{origin.ref} of the lake repository {origin.repository} holds them "
        f"(commit {origin.commit[:12]})."
    )


def provenance(origin: Origin, rounds: Sequence[Round]) -> Json:
    """List the sources, and the activities that led from them to the data."""
    sources = {
        source["@id"]: source
        for round_ in rounds
        if (source := _source(origin, round_)) is not None
    }
    activities = [activity for round_ in rounds for activity in _activities(origin, round_)]
    content = {"prov:wasDerivedFrom": list(sources.values()), "prov:wasGeneratedBy": activities}
    return {name: value for name, value in content.items() if value}


def responsible(rounds: Sequence[Round], measured: Mapping[str, Figures]) -> Json:
    """Fill in the terms of the RAI vocabulary, as far as the lake knows."""
    real = any(figures.real for figures in measured.values())
    made = any(figures.generated for figures in measured.values())
    kinds = [
        *(["Secondary Data analysis"] if real else []),
        *([f"Others: {_means(measured.values())}"] if made else []),
    ]
    held_out = [told for round_ in rounds if (told := _held_out(round_))]
    suites = dict.fromkeys(told for round_ in rounds if (told := _suite(round_)))
    content = {
        "rai:dataCollection": " ".join(
            _collected(name, figures) for name, figures in measured.items()
        ),
        "rai:dataCollectionType": kinds,
        "rai:dataCollectionRawData": " ".join(told for round_ in rounds if (told := _raw(round_))),
        "rai:dataPreprocessingProtocol": held_out,
        "rai:dataManipulationProtocol": " ".join(
            told for round_ in rounds if (told := _made(round_))
        ),
        "rai:machineAnnotationTools": list(suites),
        "rai:dataLimitations": [told for pair in measured.items() for told in _limits(*pair)],
        "rai:dataReleaseMaintenancePlan": "A round is published by a merge into main, and tagged. "
        "Tags never move: a round that is published again has a new one, as v3.1 after v3.",
    }
    return {name: value for name, value in content.items() if value} | _conditions(rounds, content)


def _conditions(rounds: Sequence[Round], content: Json) -> Json:
    """Carry over what descriptions of real data say about use, each with its data set."""
    told: dict[str, list[str]] = {}
    for round_ in rounds:
        policies = _policies(round_)
        for term in CONDITIONS:
            said = round_.text("ingest", "conditions", term)
            if said and not (term == "usageInfo" and policies):
                told.setdefault(CONDITIONS[term], []).append(f"{round_.dataset}: {said}")
    listed = {
        term: [*(content.get(term) or ()), *dict.fromkeys(said)] for term, said in told.items()
    }
    policies = [policy for round_ in rounds for policy in _policies(round_)]
    return listed | ({"usageInfo": [*listed.get("usageInfo", ()), *policies]} if policies else {})


def _policies(round_: Round) -> list[Json]:
    """Conditions of use in terms of ODRL or DUO, each with the data set that they are about."""
    policies = use_policy.carried(_parsed(round_, use_policy.POLICY))
    about = round_.dataset
    return [
        {
            **policy,
            "description": f"{about}: {said}" if (said := policy.get("description")) else about,
        }
        for policy in policies
    ]


def _parsed(round_: Round, condition: str) -> Any:  # noqa: ANN401  JSON
    """A condition of the manifest that holds JSON; None where it holds something else."""
    try:
        return json.loads(round_.text("ingest", "conditions", condition) or "null")
    except (ValueError, RecursionError):
        return None


def _described_by(round_: Round) -> Json:
    """The address and digest of the description that a source was read by."""
    content = _parsed(round_, use_policy.DESCRIPTION)
    if not isinstance(content, Mapping):
        return {}
    url, digest = content.get("url"), content.get("sha256")
    return {
        **({"url": url} if isinstance(url, str) and use_policy.ADDRESS.match(url) else {}),
        **({"sha256": digest} if isinstance(digest, str) and SHA256.fullmatch(digest) else {}),
    }


def _source(origin: Origin, round_: Round) -> Json | None:
    source, terms = round_.text("source"), round_.text("licence")
    if source is None:
        return None
    licence = {"license": terms} if terms else {}
    name = names.iri(names.named("source", source), origin)
    return {
        "@id": name,
        "@type": "prov:Entity",
        "prov:label": source,
        **licence,
        **_described_by(round_),
    }


def _activities(origin: Origin, round_: Round) -> Iterator[Json]:
    """Yield the ingestion of real data, or generation and verification of a round."""
    source = _source(origin, round_)
    if source is not None:
        yield _activity(origin, round_, "ingestion", used={"@id": source["@id"]})
    generator, suite = round_.text("generator", "digest"), round_.text("verdicts", "suite")
    if generator is not None and not round_.arrived:
        label = round_.text("generator", "kind") or "generator"
        agents = [_agent(origin, "generator", generator, label)]
        agents += [_model(origin, each) for each in asked.models(round_)]
        agent = agents if len(agents) > 1 else agents[0]
        yield _activity(origin, round_, "generation", agent, _learned(origin, round_))
    if suite is not None:
        agent = _agent(origin, "suite", suite, f"verifier suite {suite[:12]}")
        yield _activity(origin, round_, "verification", agent)


def _activity(
    origin: Origin,
    round_: Round,
    what: str,
    agent: Json | list[Json] | None = None,
    used: Json | None = None,
) -> Json:
    relations = {"prov:wasAssociatedWith": agent, "prov:used": used}
    return {
        "@id": names.iri(names.within(round_.dataset, round_.number, what), origin),
        "@type": "prov:Activity",
        "prov:label": f"{what} of round {round_.number} of {round_.dataset}",
        **{name: value for name, value in relations.items() if value is not None},
    }


def _agent(origin: Origin, prefix: str, digest: str, label: str) -> Json:
    name = names.iri(names.named(prefix, digest), origin)
    return {"@id": name, "@type": "prov:SoftwareAgent", "prov:label": label}


def _model(origin: Origin, model: Model) -> Json:
    """Describe a model that was asked, with what tells it from others as properties."""
    known = {name: value for name, value in model.attributes().items() if name != "licence"}
    return {
        "@id": names.iri(model.agent, origin),
        "@type": "prov:SoftwareAgent",
        "prov:label": f"model {model.model}",
        **({"license": model.licence} if model.licence else {}),
        "additionalProperty": [
            {"@type": "sc:PropertyValue", "name": name, "value": value}
            for name, values in known.items()
            for value in ([values] if isinstance(values, str) else values)
        ],
    }


def _learned(origin: Origin, round_: Round) -> Json:
    """Return the mix of a round's generator, a model of unknown training data, or a simulator."""
    mix = round_.learnt_mix
    if mix is None:
        name = names.named("model", round_.text("generator", "digest") or "unknown")
        terms = round_.model_licence
        return {
            "@id": names.iri(name, origin),
            "@type": "prov:Entity",
            "prov:label": round_.opaque_model,
            **({"license": terms} if terms else {}),
        }
    name = names.iri(names.named("mix", mix["digest"]), origin)
    return {"@id": name, "@type": "prov:Collection", "prov:label": _mix(mix)}


def _mix(mix: Mapping[str, Any]) -> str:
    rounds = [str(part["round"]) for part in mix["rounds"]]
    places = f"round{'s' if len(rounds) > 1 else ''} {', '.join(rounds)} of {mix['dataset']}"
    return (
        f"mix {mix['digest'][:12]} ({mix['regime']}: {mix['rows']:,} rows of {places}, "
        f"real share {mix['real_share']:.3f})"
    )


def _collected(name: str, figures: Figures) -> str:
    return (
        f"{name}: {figures.real:,} samples are real, {figures.generated:,} were "
        f"{_means([figures])} and accepted by a verifier suite."
    )


def _means(measured: Iterable[Figures]) -> str:
    """Say how samples that are not real were made."""
    simulated = any(figures.simulated for figures in measured)
    return "sampled from generative models" + (" or made by code of no data" if simulated else "")


def _raw(round_: Round) -> str | None:
    source = round_.text("source")
    if source is None:
        return None
    return f"{round_.dataset}: {source}, licence {round_.text('licence') or 'not stated'}."


def _held_out(round_: Round) -> str | None:
    rows, validation, test = (
        round_.integer("counts", name) for name in ("candidates", "validation", "test")
    )
    if validation is None:
        return None
    return (
        f"{round_.dataset}: of {rows or 0:,} real rows, {validation:,} were held out for "
        f"validation and {test or 0:,} for a final test before anything else, near-duplicates "
        "together; they are in a repository of their own."
    )


def _made(round_: Round) -> str | None:
    if not round_.mapping("generator"):
        return None
    mix, made = round_.learnt_mix, round_.integer("counts", "candidates")
    opaque = SIMULATOR if round_.simulated else "of unknown training data"
    learned = f"fitted on {_mix(mix)}" if mix else opaque
    if round_.model_licence:
        learned += f", licence {round_.model_licence}"
    words = ("accepted", "rejected", "duplicate", "surplus")
    counts = {word: round_.integer("counts", word) for word in words}
    kept = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count is not None)
    generator_kind = round_.text("generator", "kind")
    what = f"{generator_kind or 'a generator'}, {learned}, made {made or 0:,} candidates"
    if round_.arrived:
        held_out = round_.integer("arrivals", "rows", "held_out") or 0
        what = f"{made or 0:,} new real rows arrived, and {held_out:,} more were held out"
    named = [_named(model) for model in asked.models(round_)]
    who = f"; asked of {' and of '.join(named)}" if named else ""
    return f"{round_.dataset}, round {round_.number}: {what}{f': {kept}' if kept else ''}{who}."


def _named(model: Model) -> str:
    served = f" (served as {', '.join(model.served)})" if model.served else ""
    more = [model.endpoint or "", f"weights {model.weights}" if model.weights else ""]
    return ", ".join([f"model {model.model}{served}", *filter(None, more)])


def _suite(round_: Round) -> str | None:
    suite = round_.text("verdicts", "suite")
    if suite is None:
        return None
    count = len(round_.mapping("verdicts", "expectations"))
    return f"Great Expectations suite {suite[:12]} of {round_.dataset}: {count} expectations"


def _limits(name: str, figures: Figures) -> Iterator[str]:
    """Yield how far the samples are from real data, and what follows from that."""
    rows = figures.real + figures.generated
    if not figures.generated:
        return
    steps = f"{figures.depth_max} generation{'s' if figures.depth_max != 1 else ''}"
    far = f", up to {steps} away from real data" if figures.depth_max else ""
    yield (
        f"{name}: {figures.generated / rows:.1%} of the samples are generated{far}. A model that "
        "learns from generated samples alone, round after round, loses the tails of the "
        "distribution first."
    )
    if figures.real_roots is not None and figures.real_roots < 1:
        code = f" or at {SIMULATOR}" if figures.simulated else ""
        yield (
            f"{name}: {1 - figures.real_roots:.1%} of the ancestry ends at models of unknown "
            f"training data{code}."
        )
