"""Stage `publish`: the guard judges; the round is merged into main and tagged, or blocked.

A blocked round stays on its branch for review; a round that a reviewer rejected is not judged. On a
line other than main the stage ends with the guard's answer, whatever it is: nothing is merged, and
the next round of the line starts from that commit. The answer is also written as a DVC metric.
"""

from __future__ import annotations

from lake import refs
from lineage import guard
from pipelines.common import console
from pipelines.common.errors import BlockedError
from pipelines.gate import approvals, checked_refs, publication, review_notice
from pipelines.gate.attestations import making
from pipelines.gate.publication import Publication
from pipelines.rounds import history, manifest, merging, stage_inputs
from pipelines.rounds.context import RoundContext, write_receipt
from pipelines.rounds.receipts import Receipt
from pipelines.rounds.staging_branch import delete_stale


def main(ctx: RoundContext, *, supersede: bool = False) -> None:
    """Publish a round, or adopt its merge on main."""
    evaluated = ctx.receipt("evaluate")
    key = stage_inputs.key(ctx.round, "publish", evaluated.key)
    done = publication.published(ctx, key)
    if done is None:
        publication.refuse_rejected(ctx, evaluated.commit)
        approvals.refuse_unapproved(ctx, key.key)
        try:
            done = publication.publish(ctx, evaluated.commit, key, supersede=supersede)
        except BlockedError as blocked:
            review_notice.tell(ctx.round.key, ctx.round.branch, evaluated.commit, str(blocked))
            raise
    else:
        dataset, number = ctx.round.dataset, ctx.round.number
        recorded = manifest.read(ctx.lake, done.commit.id, dataset, number)
        publication.write_metric(ctx, guard.read(recorded["guard"]))
    _write_receipt(ctx, evaluated, done)
    if ctx.round.settings.publish.attest and ctx.round.line == refs.MAIN:
        attested = making.attest(ctx.lake, done.commit.id)
        if not attested.existing:
            console.line(f"publish: attested {attested.version.tag} in {attested.stored.folder}")


def _write_receipt(ctx: RoundContext, evaluated: Receipt, done: Publication) -> None:
    """Tag the published round and write the receipt, which on another line names main's commit."""
    round_, commit = ctx.round, done.commit.id
    data, tag, main_commit = ctx.receipt("curate").key, None, None
    if round_.line == refs.MAIN:
        tag = merging.ensure_tag(ctx.lake, round_.dataset, round_.number, commit)
        delete_stale(ctx.lake, round_.branch)
    else:
        published = history.published(ctx.lake, round_.dataset).get(round_.number)
        main_commit = published.commit if published else None
    rows = evaluated.rows
    write_receipt(ctx, "publish", commit, done.key, rows, tag=tag, data=data, main=main_commit)
    checked_refs.note_published(ctx.lake, ctx.params)
