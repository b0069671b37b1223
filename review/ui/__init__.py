"""The web page on which rounds are looked at, approved and rejected: `stemma ui`.

`command` starts it, `gate` lets requests in, `rounds`, `review`, `decisions`, `sample` and
`verifiers` answer them, `candidates` and `facets` read, `charts` and `picture` draw, `render` fills
templates.
"""
