"""What this machine has of what Stemma can use, for `stemma doctor`."""
