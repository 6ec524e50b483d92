"""Record ids: UUID version 7 (RFC 9562 section 5.7) as 36-character text.

They are made by the application, sort by time of creation, and never repeat, so a client may make
one itself and a create can be repeated safely.
"""

from __future__ import annotations

import os
import re
import threading
import time

_PATTERN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_COUNTER_BITS = 12
_RANDOM_BITS = 62

_lock = threading.Lock()
_last_ms = 0
_counter = 0


def new_id() -> str:
    """Return a new id; ids of one process sort in the order in which they were made."""
    global _last_ms, _counter  # noqa: PLW0603 - the clock of this process
    with _lock:
        now = time.time_ns() // 1_000_000
        if now > _last_ms:
            _last_ms, _counter = now, int.from_bytes(os.urandom(2)) & 0x3FF
        else:
            _counter += 1
            if _counter >> _COUNTER_BITS:
                _last_ms, _counter = _last_ms + 1, 0
        ms, counter = _last_ms, _counter
    tail = int.from_bytes(os.urandom(8)) & ((1 << _RANDOM_BITS) - 1)
    value = f"{ms << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | tail:032x}"
    return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"


def is_id(text: object) -> bool:
    """Say whether something is an id as we write them: lower-case hexadecimal with dashes, any version."""
    return isinstance(text, str) and _PATTERN.fullmatch(text) is not None
