"""Language models behind the openai client: everything between a prompt and an answer.

    settings       which service, with what limits, prices and retries; the only reader of its key
    values         a request, a reply, a failure
    ask            many requests, in order, from the cache or by the service
    online         a few requests at once, each with its attempts
    batch          the same through the Batch API, at half the price; batch_api: its calls
    session        the state that both share
    rate           how many requests may be in flight, and when the next one may go
    figures        what a run has reached so far, as a line
    retry          when another attempt follows; attempt_error: why an attempt gave no answer
    answers        from the bytes of an answer to a value under the request's schema
    bounds         how much a service may answer
    cache          answers that were paid for, by request digest; answer_writer: its thread
    prices         of a public table, where the settings name none
    costs          tokens, dollars, the budget, estimates
    connection     an open client of a service; client: the openai client; transport: its posts;
                   translation: errors of both as errors of an attempt
    home, launch   the local server's directory, and how it is started; local_server: its process
    prompt_escaping  untrusted text as data in a prompt

Nothing heavy is imported here: params.yaml's types need the settings.
"""
