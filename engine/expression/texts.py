"""What is done to texts, as all four back ends do it: by code point, with Unicode's one-to-one case mapping.

`str.lower` and `str.upper` would change the length of a few letters and look at neighbours; databases
map each letter alone. So do these: "İ" becomes "i", a final "Σ" an ordinary one, and "ß" has no capital.
"""

from __future__ import annotations

WHITESPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Characters with Unicode's property White_Space, which `trim` takes away."""

_LOWER = str.maketrans({"İ": "i", "Σ": "\u03c3"})


def _lone_capitals() -> dict[int, str]:
    """Return the capital of each letter whose full upper case is several letters."""
    special = {}
    for code in (*range(0xDF, 0x150), 0x1F0, 0x390, 0x3B0, 0x587, *range(0x1E96, 0x2000), *range(0xFB00, 0xFB18)):
        letter = chr(code)
        if len(letter.upper()) > 1:
            title = letter.title()
            special[code] = title if len(title) == 1 else letter
    return special


_UPPER = _lone_capitals()


def lower(text: str) -> str:
    """Return the text in lower case, letter by letter."""
    return text.lower() if text.isascii() else text.translate(_LOWER).lower()


def upper(text: str) -> str:
    """Return the text in upper case, letter by letter."""
    if text.isascii():
        return text.upper()
    return "".join(_UPPER[ord(letter)] if ord(letter) in _UPPER else letter.upper() for letter in text)


def trim(text: str) -> str:
    """Return the text without white space at its ends."""
    return text.strip(WHITESPACE)


def replace(text: str, old: str, new: str) -> str:
    """Return the text with every `old` as `new`; an empty `old` changes nothing."""
    return text.replace(old, new) if old else text


def contains(text: str, part: str) -> bool:
    """Return whether the part stands anywhere in the text, whatever the case."""
    return lower(part) in lower(text)


def starts_with(text: str, part: str) -> bool:
    """Return whether the text begins with the part, whatever the case."""
    return lower(text).startswith(lower(part))


def ends_with(text: str, part: str) -> bool:
    """Return whether the text ends with the part, whatever the case."""
    return lower(text).endswith(lower(part))
