"""The text generator: a language model behind a service, shown exemplars of the training mix.

- `settings`: what params.yaml says of it
- `exemplars`: the pool that is kept of a mix, and what is drawn from it for a prompt
- `grid`: attributes of which each prompt asks for one combination
- `templates`: prompts as files
- `attribute_files`: attributes that are drawn by weights; `classes`: how many of each label
- `column_types`: columns that are not texts, their schemas and values
- `recipe`: the requests by which a candidate is made; `shares`: by which service
- `gallery`: pictures of another data set
- `plan`: what every candidate is made of, before any request is sent
- `attribution`: the weights of a candidate's exemplars
- `candidate_making`: a candidate in the making; `choosing`: the best of several
- `answers`: what services answered, asked for once for all shards
- `candidates`: the rows that were made, in the types of the real ones
- `reporting`: what a round's manifest says of its making
- `generator`: the plug-in
"""
