"""The text generator: a language model behind a service, shown exemplars of the training mix.

- `settings`: what params.yaml says of it
- `exemplars`: the pool that is kept of a mix, and what is drawn from it for a prompt
- `grid`: attributes of which each prompt asks for one combination
- `templates`: prompts as files
- `plan`: every request of a round, before any is sent
- `attribution`: the weights of a candidate's exemplars
- `answers`: what the service answered, asked for once for all shards
- `reporting`: what a round's manifest says of its making
- `generator`: the plug-in
"""
