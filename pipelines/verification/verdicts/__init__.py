"""Reports about the verdicts of a round: failures by reason, with what was refused to look at.

`report` groups verdicts and looks candidates up, `page` and `pages` draw, `places` knows where the
pages are in the lake and in this checkout.
"""
