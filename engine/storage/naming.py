"""Names of tables, columns and indexes. PostgreSQL cuts names after 63 bytes without a word; these never get there."""

from __future__ import annotations

import hashlib
from collections.abc import Container

LONGEST = 60


def fitted(name: str) -> str:
    """Return a name of at most 60 characters; a longer one ends in a hash of what was cut off."""
    if len(name) <= LONGEST:
        return name
    return f"{name[: LONGEST - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def free(name: str, taken: Container[str]) -> str:
    """Return the name, or the first of `name__2`, `name__3` ... that is not taken."""
    name = fitted(name)
    if name not in taken:
        return name
    number = 2
    while (found := f"{name[: LONGEST - 5]}__{number}") in taken:
        number += 1
    return found
