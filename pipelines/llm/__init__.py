"""Language models behind the openai client: everything between a prompt and an answer.

    settings   which service, with what limits, prices and patience; the only reader of its key
    values     a request, a reply, a failure
    ask        many requests at once, in order, with retries, cache and budget
    cache      answers that were paid for, by request digest
    costs      tokens, dollars, the budget, estimates
    batch      the same through the Batch API, at half the price
    launch     the local server, started on demand

Nothing heavy is imported here: params.yaml's types need the settings.
"""
