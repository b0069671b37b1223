"""Questions that commands ask of a lake: overviews, replays, cost estimates, exports of lineage."""
