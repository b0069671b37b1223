"""Actions: webhooks that are told of a change, and may refuse it before it is made."""
