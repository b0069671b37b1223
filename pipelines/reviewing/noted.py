"""Keeps `rounds/reviews.json` as the records of reviews in the lake say, for keys and receipts.

The lake is asked again only where its refs have changed since it last was.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.common import console, digests
from pipelines.reviewing import record, store
from pipelines.rounds import noted_files, review_inputs
from pipelines.rounds.changed_refs import Answer
from pipelines.rounds.record_branch import Records
from pipelines.rounds.review_inputs import NotedReviews


def write(lake: Lake) -> None:
    """Write a digest of the records of each round; without any, there is no file."""
    try:
        found = store.of_lake(lake)
    except NotFoundError:  # there is no such repository yet
        found = Records()
    by_branch: defaultdict[str, list[str]] = defaultdict(list)
    for each in found.kept:
        by_branch[each.record.branch].append(record.digest(each.record))
    for refused in found.refused:
        console.line(f"a decision of a reviewer does not count: {refused}")
    noted = {branch: digests.of_json(listed) for branch, listed in sorted(by_branch.items())}
    noted_files.write(review_inputs.FILE, NotedReviews(rounds=noted))


ANSWER: Final = Answer("reviews-asked.json", write)
