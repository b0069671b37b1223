"""The certificate of a take-down: what was asked, found and done, and what remains and why.

It is an in-toto statement in a DSSE envelope, signed by whoever has it made, so that anybody with
the public key can see that nothing of it was changed. It certifies what was done and searched here;
what lies elsewhere it names, since nobody can search that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lake import refs
from lake.client import Lake
from pipelines.common import dsse
from pipelines.common.errors import EnvelopeError
from pipelines.common.signing import Signer, Trusted
from pipelines.rounds import purges
from pipelines.takedown import record
from pipelines.takedown.record import Takedown, TakedownRecord
from pipelines.takedown.verification import Verification

PREDICATE: Final = "https://stemma.dev/takedown-certificate/v1"
"""Type of the predicate."""
ELSEWHERE: Final = (
    (
        "the sources of real rows",
        "they are the user's own and were not searched; the deny-list refuses what they still hold",
    ),
    (
        "copies and exports, also in the project's folder",
        "nobody here knows them, and nothing here reaches them",
    ),
    ("backups of the lake", "one holds what it held when it was made, until it is renewed"),
    ("freed blocks of disks", "a removed file is not overwritten"),
    ("git's history of this project", "it holds what was committed to it, and was not searched"),
    (
        "ids in lineage, decisions, receipts and the deny-list, and its fingerprints",
        "they are digests, by which what comes back is recognised; they confirm a guess",
    ),
)
"""What remains after every take-down, and why."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate whose signature was verified, and the short name of the key."""

    content: Mapping[str, Any]
    """Its predicate."""
    signer: str


def make(lake: Lake, name: str, verification: Verification, now: int) -> dict[str, Any]:
    """Compose the statement of a certificate; `now` in Unix seconds.

    Raises:
        DataError: main holds no such take-down.
    """
    takedown = record.read(lake, refs.MAIN, name)
    merge = next((one for one in record.merged(lake) if one.record.name == name), None)
    done = [one for one in purges.of_lake(lake).records if one.takedown == name]
    subjects = [
        {"name": item.places[0], "digest": {"sha256": item.purged.sha256}}
        for one in done
        for item in one.objects
    ]
    own = {"name": refs.takedown(name, record.FILE), "digest": _digest(takedown)}
    predicate = {
        "takedown": name,
        "certified": now,
        "asked": {
            "who": takedown.who,
            "when": takedown.created,
            "reason": takedown.reason,
            "ids": list(takedown.ids),
        },
        "found": {"counts": dict(takedown.counts), "tags": dict(takedown.tags)},
        "done": {"main": _main(takedown, merge), "purges": [_purge(one) for one in done]},
        "verified": verification.to_dict(),
        "remains": [
            {"what": what, "why": why} for what, why in _remains(takedown, done, verification)
        ],
    }
    return dsse.statement([own, *subjects], PREDICATE, predicate)


def signed(content: Mapping[str, Any], signer: Signer) -> dict[str, Any]:
    """Sign the statement of a certificate; return the envelope."""
    return dsse.sign(content, signer)


def verify(envelope: object, trusted: Trusted) -> Certificate:
    """Verify the signature of a certificate.

    Raises:
        EnvelopeError: it was changed, nobody trusted signed it, or it is no certificate.
    """
    verified = dsse.verify(envelope, trusted)
    predicate = verified.statement.get("predicate")
    if verified.statement.get("predicateType") != PREDICATE or not isinstance(predicate, dict):
        raise EnvelopeError(
            "the envelope holds another statement than a take-down's certificate; name the file "
            "that `stemma takedown certificate` wrote"
        )
    return Certificate(predicate, verified.signer)


def _digest(takedown: TakedownRecord) -> dict[str, str]:
    return {"sha256": record.sha256(record.encoded(takedown))}


def _main(takedown: TakedownRecord, merge: Takedown | None) -> dict[str, Any]:
    return {
        "before": takedown.main,
        "after": None if merge is None else merge.after,
        "policies": {name: policy.model_dump() for name, policy in takedown.policies.items()},
        "rounds": [each.model_dump(mode="json") for each in takedown.rounds],
        "guard": {name: each.model_dump(mode="json") for name, each in takedown.guard.items()},
    }


def _purge(done: purges.PurgeRecord) -> dict[str, Any]:
    return {
        "when": done.created,
        "who": done.who,
        "objects": [item.model_dump(mode="json", exclude={"rows"}) for item in done.objects],
        "unread": list(done.unread),
    }


def _remains(
    takedown: TakedownRecord, done: list[purges.PurgeRecord], verification: Verification
) -> Iterator[tuple[str, str]]:
    if not done:
        yield "the content itself in old versions", "no purge was asked for: main alone lacks it"
    yield from _left(verification)
    for place, why in verification.unread:
        yield place, f"could not be searched: it {why}"
    models = takedown.counts.get("models", 0)
    if models:
        yield (
            f"{models} models that learned from it",
            "weights cannot be searched; only fitting them again without it leaves none of it",
        )
    indirect = takedown.counts.get("indirect", 0)
    if indirect:
        yield f"{indirect} rows by such models", "they were kept, as the policy says, or made again"
    yield from ELSEWHERE


def _left(verification: Verification) -> Iterator[tuple[str, str]]:
    """What was recognised, or was removed under the versions that name it."""
    for item in verification.leftovers:
        if not item.state:
            yield f"{item.place} {item.inside}".strip(), f"recognised by {item.how}, not removed"
    served = Counter((item.place, item.state) for item in verification.leftovers if item.state)
    for (place, state), count in served.items():
        yield f"{count} leftovers in {place}", state
    if verification.gone:
        why = (
            "their bytes were removed underneath, with innocent rows that only Stemma reads there "
            "now; a store that keeps versions of its own may still have them"
        )
        yield f"names of {verification.gone} objects in old versions", why
