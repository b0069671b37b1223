"""Reports about the verdicts of a round: failures by reason, with examples of refused candidates.

`report` groups verdicts and finds examples, `page` and `pages` draw, and `page_store` keeps the
pages in the lake and in the checkout.
"""
