"""Marks in a text what a search looked for; everything else of it is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable

from markupsafe import Markup, escape

from engine import looked_for

_BETWEEN = r"[\s().\-/+]{0,2}"
"""What may stand between the digits of a number that was typed without it."""


def marker(query: str) -> Callable[[str], Markup]:
    """Return what marks the words of a query in a text."""
    patterns = [_pattern(word) for word in sorted(looked_for(query), key=len, reverse=True)]
    wanted = re.compile("|".join(patterns), re.IGNORECASE) if patterns else None

    def mark(text: str) -> Markup:
        if wanted is None:
            return escape(text)
        parts, at = [], 0
        for match in wanted.finditer(text):
            parts += [escape(text[at : match.start()]), Markup("<mark>"), escape(match[0]), Markup("</mark>")]
            at = match.end()
        return Markup("").join([*parts, escape(text[at:])])

    return mark


def _pattern(word: str) -> str:
    if word.isdigit():
        return _BETWEEN.join(word)
    # Other words are found by their beginning; Chinese stands anywhere.
    return rf"(?<![^\W_]){re.escape(word)}" if word.isascii() else re.escape(word)
