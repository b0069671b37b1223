"""Language models behind the openai client: everything between a prompt and an answer.

    settings   which service, with what limits, prices and patience; the only reader of its key
    values     a request, a reply, a failure
    ask        many requests, in order, from the cache or by the service
    online     a few at once, each with its attempts; patience: when to try again
    batch      the same through the Batch API, at half the price
    runs       what both share while they work; faults: what went wrong with one attempt
    answers    from the bytes of an answer to a value that is what was asked for
    cache      answers that were paid for, by request digest
    costs      tokens, dollars, the budget, estimates
    door       the way to a service; client: the openai client; launch, home: the local server

Nothing heavy is imported here: params.yaml's types need the settings.
"""
