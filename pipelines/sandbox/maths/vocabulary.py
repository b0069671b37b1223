"""Commands, signs and words that answers are written with."""

from __future__ import annotations

import re
from typing import Final


def any_case(pattern: str) -> re.Pattern[str]:
    """Compile a pattern whose words may be in capital letters."""
    return re.compile(pattern, re.IGNORECASE)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SYNONYMS: Final = {
    **dict.fromkeys(_words("dfrac tfrac cfrac"), "frac"),
    **dict.fromkeys(_words("dbinom tbinom"), "binom"),
    **dict.fromkeys(_words("leq leqslant"), "le"),
    **dict.fromkeys(_words("geq geqslant"), "ge"),
    **dict.fromkeys(_words("thickapprox simeq"), "approx"),
    **dict.fromkeys(_words("smallsetminus backslash"), "setminus"),
    **dict.fromkeys(_words("lvert rvert vert mid"), "|"),
    **dict.fromkeys(_words("land wedge"), "and"),
    **dict.fromkeys(_words("lor vee"), "or"),
    "neq": "ne",
    "varnothing": "emptyset",
    "lbrace": "{",
    "rbrace": "}",
    "infin": "infty",
}
"""Commands by the one that says the same."""
SIGNS: Final = {
    "cdot": "*",
    "times": "*",
    "ast": "*",
    "div": "/",
    "lt": "<",
    "gt": ">",
    "le": "<=",
    "ge": ">=",
    "ne": "!=",
    "approx": "~",
    "|": "|",
    "%": "%",
    "$": "$",
    "&": "&",
    "colon": ":",
    "lbrack": "[",
    "rbrack": "]",
}
"""Commands that are signs."""
PLAIN_SIGNS: Final = {"**": "^", "=<": "<=", "=>": "→", "->": "→", "==": "="}
"""Signs of plain text by the one that says the same."""
COMMAND_WORDS: Final = {
    "and": "and",
    "or": "or",
    "euro": "euro",
    "yen": "yen",
    "pounds": "sterling",
}
"""Commands that are words."""
FUNCTIONS: Final = frozenset(
    _words(
        "sqrt surd sin cos tan sec csc cot arcsin arccos arctan sinh cosh tanh ln log exp abs",
    )
)
GREEK: Final = frozenset(
    _words(
        "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu "
        "xi rho sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi "
        "Psi Omega ell hbar"
    )
)
SPELLED: Final = frozenset(_words("pi infinity theta alpha beta gamma lambda"))
"""Commands that plain text spells without a backslash."""
GLUED: Final = ("pi", "ln", "sin", "cos", "tan", "log")
"""What a run such as pir begins with that is neither a word nor a product of its letters."""
SHORT_WORDS: Final = frozenset(
    _words(
        "and or no yes odd all any not the is are of to if but per sq cu for has can in set box red"
    )
)
"""Words of two or three letters that are no product of letters."""
SMALL: Final = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)
TENS: Final = _words("ten twenty thirty forty fifty sixty seventy eighty ninety")
NUMBERS: Final = {
    **{word: number for number, word in enumerate(SMALL)},
    **{word: 10 * number for number, word in enumerate(TENS, 1)},
}
"""Numbers that are spelled as words."""
MULTIPLIERS: Final = {
    "dozen": 12,
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
"""Words behind a number that multiply it."""
ARTICLES: Final = frozenset({"a", "an", "the"})
NOTHING: Final = frozenset({"no solution", "no solutions", "empty set"})
"""Words for the empty set."""
EVERYTHING: Final = frozenset({"all real numbers", "all reals"})
"""Words for the real numbers."""
