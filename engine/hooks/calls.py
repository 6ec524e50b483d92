"""The calls: who implements a hook, in which order they are called, how each fares, and what becomes of an error."""

from __future__ import annotations

import difflib
import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pluggy

from engine.errors import (
    AccessDenied,
    BadValue,
    DatabaseUnavailable,
    FieldProblem,
    RecordInvalid,
    SiteBroken,
    StaleModel,
    VersionConflict,
)
from engine.hooks import specs
from engine.i18n import Message

SLOW_SECONDS = 0.050
"""A call that takes longer is reported."""
BREAK_AFTER = 5
"""Failures in a row after which an isolated implementation is no longer called."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Health:
    """How one implementation of one hook fares since the process started."""

    plugin: str
    hook: str
    calls: int = 0
    seconds: float = 0.0
    """Time of all calls together."""
    worst: float = 0.0
    """Time of the slowest call, in seconds."""
    slow: int = 0
    failures: int = 0
    """Errors in a row."""
    broken: bool = False
    """Whether it is no longer called."""
    error: str = ""
    """What the last error said."""
    failed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Listener:
    plugin: str
    function: Callable[..., Any]
    takes: tuple[str, ...]
    health: Health = field(compare=False)
    watches: frozenset[str] | None = None
    """Entities whose records it is told about; None for all."""
    fields: frozenset[str] | None = None
    """Fields without which an update of many records need not be told; None where every field matters."""


class Hooks:
    """The registered plugins of one process, and the calls to them. Safe to call from several threads."""

    def __init__(self, plugins: Iterable[object] = ()) -> None:
        self._manager = pluggy.PluginManager(specs.PROJECT)
        self._manager.add_hookspecs(specs)
        self._names: list[str] = []
        self._listeners: dict[str, tuple[_Listener, ...]] = {}
        self._health: dict[tuple[str, str], Health] = {}
        self._lock = threading.Lock()
        for plugin in plugins:
            self.register(plugin)

    def register(self, plugin: object, name: str | None = None) -> str:
        """Add a plugin behind those that are there; return its name, by default the object's own.

        Raises:
            SiteBroken: it implements a hook that does not exist, takes an argument that the hook does not have,
                or a plugin of its name is there.
        """
        name = name or self._manager.get_canonical_name(plugin)
        with self._lock:
            if self._manager.has_plugin(name) or self._manager.is_registered(plugin):
                raise SiteBroken(Message("There are two plugins {plugin}", plugin=name))
            try:
                self._manager.register(plugin, name)
            except pluggy.PluginValidationError as error:  # nothing of it was taken
                reason = str(error).splitlines()[-1]
                raise SiteBroken(
                    Message("The plugin {plugin} cannot be used: {reason}", plugin=name, reason=reason)
                ) from error
            try:
                self._check(name)
            except SiteBroken:
                self._manager.unregister(plugin)
                raise
            self._names.append(name)
            self._listeners = self._arrange()
        return name

    @property
    def plugins(self) -> tuple[str, ...]:
        """Names of the plugins in the order of the calls."""
        return tuple(self._names)

    def unregister(self, plugin: object) -> None:
        """Take a plugin out, if it is there; calls that are under way go on."""
        with self._lock:
            name = self._manager.get_name(plugin)
            if name is None:
                return
            self._manager.unregister(plugin)
            self._names.remove(name)
            self._health = {key: health for key, health in self._health.items() if health.plugin != name}
            self._listeners = self._arrange()

    def listens(self, hook: str, entity: str | None = None, keys: frozenset[str] | None = None) -> bool:
        """Say whether anything implements a hook: so cheap that a caller asks before it prepares arguments.

        With `entity`, whether anything does that watches records of that entity: a plugin with an attribute
        `watches`, a set of keys of entities, is called about those alone. With `keys`, whether anything wants to hear
        of an update of no other fields than these: a plugin with an attribute `fields` says which matter to it.
        """
        listeners = self._listeners.get(hook)
        if listeners is None or entity is None:
            return listeners is not None
        return any(
            not each.health.broken
            and (each.watches is None or entity in each.watches)
            and (keys is None or each.fields is None or not keys.isdisjoint(each.fields))
            for each in listeners
        )

    def call(
        self, hook: str, *, guard: Callable[[], AbstractContextManager[Any]] | None = None, **arguments: Any
    ) -> list[Any]:
        """Call every implementation of a hook and return what they answered, without None.

        `guard` makes a context for each one, such as a savepoint, that is left with the error when it fails.

        Raises:
            RecordInvalid: an implementation of a `before_` hook failed, or refuses the records.
            SiteBroken: an implementation of a hook of the start failed.
            KeyError: an argument of the hook is missing.
        """
        return [answer for _, answer in self.collect(hook, guard=guard, **arguments)]

    def collect(
        self, hook: str, *, guard: Callable[[], AbstractContextManager[Any]] | None = None, **arguments: Any
    ) -> list[tuple[str, Any]]:
        """As `call`, with the name of the plugin beside each answer."""
        listeners = self._listeners.get(hook)
        if listeners is None:
            return []
        answers = []
        batch = arguments.get("batch")
        for listener in listeners:
            if listener.health.broken:
                continue
            if listener.watches is not None and batch is not None and batch.entity not in listener.watches:
                continue
            values = [arguments[name] for name in listener.takes]
            started = time.perf_counter()
            try:
                with nullcontext() if guard is None else guard():
                    answer = listener.function(*values)
                    if hasattr(answer, "__next__"):
                        answer = list(answer)  # so that an error of the generator is one of this call
            except Exception as error:  # noqa: BLE001 - whatever a plugin raises; the policy of the hook decides
                self._measure(listener.health, time.perf_counter() - started)
                self._fail(hook, listener, error)
            else:
                self._measure(listener.health, time.perf_counter() - started)
                listener.health.failures = 0
                if answer is not None:
                    answers.append((listener.plugin, answer))
        return answers

    def health(self) -> list[Health]:
        """Return how every implementation fares, for admins; the broken ones first, then the slowest."""
        return sorted(self._health.values(), key=lambda each: (not each.broken, -each.worst))

    def mend(self, plugin: str) -> None:
        """Call a plugin's implementations again that were broken."""
        for health in self._health.values():
            if health.plugin == plugin:
                health.failures, health.broken = 0, False

    def _check(self, plugin: str) -> None:
        """Refuse hooks that do not exist, and wrappers: what they do would escape the timing and the breaker."""
        for caller in self._manager.get_hookcallers(self._manager.get_plugin(plugin)) or ():
            if not caller.has_spec():
                near = difflib.get_close_matches(caller.name, specs.SPECIFICATIONS, 1)
                advice = Message(" (did you mean {hook}?)", hook=near[0]) if near else ""
                raise SiteBroken(
                    Message("The plugin {plugin} implements {hook}, which is no hook{advice}", plugin=plugin,
                            hook=caller.name, advice=advice)
                )  # fmt: skip
            if any(each.wrapper or each.hookwrapper for each in caller.get_hookimpls() if each.plugin_name == plugin):
                raise SiteBroken(
                    Message(
                        "The plugin {plugin} wraps {hook}; hooks cannot be wrapped", plugin=plugin, hook=caller.name
                    )
                )

    def _arrange(self) -> dict[str, tuple[_Listener, ...]]:
        """Return the implementations of every hook that has any, in the order of the calls."""
        arranged = {}
        for hook in specs.SPECIFICATIONS:
            found = sorted(
                getattr(self._manager.hook, hook).get_hookimpls(),
                key=lambda each: (not each.tryfirst, each.trylast, self._names.index(each.plugin_name)),
            )
            if found:
                arranged[hook] = tuple(
                    _Listener(
                        each.plugin_name,
                        each.function,
                        tuple(each.argnames),
                        self._health.setdefault((each.plugin_name, hook), Health(each.plugin_name, hook)),
                        None if (watches := getattr(each.plugin, "watches", None)) is None else frozenset(watches),
                        None if (fields := getattr(each.plugin, "fields", None)) is None else frozenset(fields),
                    )
                    for each in found
                )
        return arranged

    def _measure(self, health: Health, seconds: float) -> None:
        health.calls += 1
        health.seconds += seconds
        health.worst = max(health.worst, seconds)
        if seconds > SLOW_SECONDS:
            health.slow += 1
            # Often slow is said ever more seldom: at the 1st, 2nd, 4th, 8th ... time.
            if health.slow & (health.slow - 1) == 0:
                _log.warning("%s of plugin %s took %.0f ms", health.hook, health.plugin, seconds * 1000)

    def _fail(self, hook: str, listener: _Listener, error: Exception) -> None:
        """Do what the hook's policy says about an error.

        Raises:
            Exception: under every policy but `isolate`.
        """
        match specs.SPECIFICATIONS[hook]:
            case "pass":
                raise error
            case "stop":
                raise SiteBroken(
                    Message("The plugin {plugin} failed in {hook}: {reason}", plugin=listener.plugin, hook=hook,
                            reason=error)
                ) from error  # fmt: skip
            case "refuse":
                self._refuse(hook, listener, error)
            case "isolate":
                self._isolate(hook, listener.health, error)

    def _refuse(self, hook: str, listener: _Listener, error: Exception) -> None:
        if isinstance(error, (RecordInvalid, AccessDenied, StaleModel, VersionConflict, DatabaseUnavailable)):
            raise error  # said on purpose, or about the database and not by the plugin
        if isinstance(error, BadValue):
            message = Message("{plugin}: {message}", plugin=listener.plugin, message=error.message)
        else:
            _log.error("%s of plugin %s failed", hook, listener.plugin, exc_info=error)
            message = Message("The plugin {plugin} failed, so nothing was saved", plugin=listener.plugin)
        raise RecordInvalid([FieldProblem("", message, code="plugin")]) from error

    def _isolate(self, hook: str, health: Health, error: Exception) -> None:
        with self._lock:
            health.failures += 1
            health.error, health.failed_at = f"{type(error).__name__}: {error}", datetime.now(UTC)
            breaks = health.failures >= BREAK_AFTER and not health.broken
            health.broken = health.broken or breaks
        _log.error("%s of plugin %s failed", hook, health.plugin, exc_info=error)
        if breaks:
            _log.error(
                "%s of plugin %s failed %d times in a row and is no longer called", hook, health.plugin, BREAK_AFTER
            )
