"""The audit log: who did what that somebody may have to answer for, from where, and when."""

from engine.audit.origin import Origin, acting_from, origin
from engine.audit.trail import Event, Trail

__all__ = ["Event", "Origin", "Trail", "acting_from", "origin"]
