"""What the rounds so far say of rounds to come, of more rows, and of what to do next."""
