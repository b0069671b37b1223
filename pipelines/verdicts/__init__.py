"""Reports about the verdicts of a round: failures by reason, with what was refused to look at.

`report` groups verdicts and looks candidates up, `page` draws them, `pages` keeps the pages in the
lake and beside the receipts.
"""
