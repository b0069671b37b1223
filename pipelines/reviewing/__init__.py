"""What reviewers decide about single samples, and say of them, as a branch of the lake keeps it."""
