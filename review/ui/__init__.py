"""The web page on which rounds are looked at, approved and rejected: `stemma ui`.

The command `ui` starts it and `access` lets requests in. `rounds`, `review`, `decisions`, `sample`
and `verifiers` respond to them; `app_state` is what they share. `candidates` and `facets` read the
lake, `charts` and `picture` lay out figures and family trees, and `render` fills templates.
"""
