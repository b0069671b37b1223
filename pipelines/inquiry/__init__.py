"""What commands ask of a lake: replays, cost estimates, exports of lineage."""
