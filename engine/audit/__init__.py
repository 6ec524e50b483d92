"""The audit log: who did what that somebody may have to answer for, from where, and when."""

from engine.audit.chain import Head, Key, read_head
from engine.audit.checking import Broken, Checked
from engine.audit.events import Event, LogEntry
from engine.audit.log import Wanted
from engine.audit.origin import Origin, acting_from, by_token, origin
from engine.audit.trail import Trail

__all__ = [
    "Broken",
    "Checked",
    "Event",
    "Head",
    "Key",
    "LogEntry",
    "Origin",
    "Trail",
    "Wanted",
    "acting_from",
    "by_token",
    "origin",
    "read_head",
]
