"""HOW people look at it: the `stemma` command, the data diff, reports."""
