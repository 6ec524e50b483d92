"""Hooks: the places where plugins, and the engine's own upper layers, take part.

A plugin is any object whose functions carry `@hookimpl` and the name of a specification below; it may take fewer
arguments than the specification has, and may name in `watches` the entities whose batches it wants to see. `Hooks`
calls them in the order in which they were registered (dependencies come first), `tryfirst` and `trylast` before and
after the others, measures each one, and keeps a failing plugin from taking the site down: each specification says
what an error of its implementations does.
"""

from engine.hooks.calls import BREAK_AFTER, SLOW_SECONDS, Health, Hooks
from engine.hooks.specs import SPECIFICATIONS, Batch, OnError, hookimpl

__all__ = ["BREAK_AFTER", "SLOW_SECONDS", "SPECIFICATIONS", "Batch", "Health", "Hooks", "OnError", "hookimpl"]
