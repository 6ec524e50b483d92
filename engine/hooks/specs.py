"""The specifications: every hook there is, when it is called, with what, and what an error of a plugin does."""

# mypy: disable-error-code="empty-body"
# A specification has no body.

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import pluggy

from engine.i18n import Message

if TYPE_CHECKING:
    from engine.fields import FieldType

PROJECT = "guanxi"

OnError = Literal["refuse", "isolate", "stop", "pass"]
"""What an error of an implementation does: refuse the write with a message that names the plugin; be logged and
counted while the others go on; stop the start of the site; or go to the caller as it is."""

_F = TypeVar("_F", bound=Callable[..., Any])

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a plugin's function as an implementation of the hook of its name."""
_hookspec = pluggy.HookspecMarker(PROJECT)

SPECIFICATIONS: dict[str, OnError] = {}
"""Every hook, and what an error of an implementation does."""


def _hook(on_error: OnError) -> Callable[[_F], _F]:
    def mark(function: _F) -> _F:
        SPECIFICATIONS[function.__name__] = on_error
        return _hookspec(function)

    return mark


class Batch(Protocol):
    """Records of one entity that are written together, as hooks see them: no connection, no other record."""

    @property
    def entity(self) -> str:
        """Key of the entity."""

    @property
    def action(self) -> str:
        """create, update, delete, restore or purge."""

    @property
    def actor(self) -> Any:
        """The principal who asked."""

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """All values of each record as they will be stored, by field key; `id` is always there."""

    @property
    def old(self) -> Sequence[Mapping[str, Any] | None]:
        """What is stored now, in the order of `rows`; None for a record that is being created."""

    def set(self, id: str, field: str, value: Any) -> None:  # noqa: A002 - the name of the system field
        """Change a value before it is checked; only in `before_save`.

        Raises:
            BadValue: the field takes no such value.
        """

    def reject(self, id: str, field: str, message: Message | str) -> None:  # noqa: A002 - as above
        """Refuse a record and show why beside the field, "" for the record as a whole; go on with the others."""


@_hook("stop")
def setup(site: Any) -> None:
    """Prepare the plugin.

    Called once per process when the site is opened, after the model is read, outside any transaction. An error
    stops the start of the site and names the plugin.
    """


@_hook("stop")
def field_types() -> Iterable[type[FieldType]]:
    """Return field types that documents may name.

    Called once per process, before documents are read, outside any transaction. An error stops the start.
    """


@_hook("stop")
def operators() -> Iterable[Any]:
    """Return functions for expressions, as rows of the registry of `engine.expression`.

    Called once per process, before documents are read, outside any transaction. An error stops the start.
    """


@_hook("stop")
def actions() -> Mapping[str, Any]:
    """Return steps that workflows may name in `do:`, by name.

    Called once per process, before documents are read, outside any transaction. An error stops the start.
    """


@_hook("stop")
def triggers() -> Mapping[str, Any]:
    """Return triggers that workflows may name in `on:`, by name.

    Called once per process, before documents are read, outside any transaction. An error stops the start.
    """


@_hook("stop")
def widgets() -> Iterable[Any]:
    """Return widgets that views and forms may name.

    Called once per process, before documents are read, outside any transaction. An error stops the start.
    """


@_hook("refuse")
def before_save(batch: Batch) -> None:
    """Change or refuse records that are about to be created or updated.

    Called inside the transaction, after the given values are parsed and before formulas and checks. Call
    `batch.set` to change a value and `batch.reject` to refuse a record. An error refuses the whole batch with a
    message that names the plugin.
    """


@_hook("isolate")
def after_save(batch: Batch) -> None:
    """Act on records that were created or updated; `Records` may be called, five levels deep.

    Called inside the transaction, after rows, history and search are written: what it writes is committed or lost
    with them. An error takes back what this implementation wrote, is logged and shown to admins; the records stay
    saved. After five errors in a row it is no longer called.
    """


@_hook("refuse")
def before_delete(batch: Batch) -> None:
    """Refuse records that are about to go into the recycle bin, or out of it for good.

    Called inside the transaction, before anything is written. An error refuses the whole batch with a message that
    names the plugin.
    """


@_hook("stop")
def named_rules() -> Mapping[str, Any]:
    """Return row rules that grants may name, as expressions by name; a rule is never a Python filter.

    Called once per process, before documents are read, outside any transaction. An error stops the start.
    """


@_hook("stop")
def routes() -> Any:
    """Return a blueprint that is served under `/x/<plugin>/`.

    Called once per process when the web application is made, outside any transaction. An error stops the start.
    """


@_hook("isolate")
def navigation(actor: Any) -> Iterable[Any]:
    """Return entries that the menu of one person has besides the documents'.

    Called while a page is made, inside its read transaction. An error leaves the entries out and is logged; after
    five in a row it is no longer called.
    """


@_hook("isolate")
def page_slots(name: str, context: Mapping[str, Any]) -> str:
    """Return HTML for a named place of a page, "record.side".

    Called while a page is made, inside its read transaction. An error leaves the place empty and is logged; after
    five in a row it is no longer called.
    """


@_hook("stop")
def api_tools() -> Iterable[Any]:
    """Return actions that programs and assistants may call.

    Called once per process when the faces are made, outside any transaction. An error stops the start.
    """


@_hook("stop")
def notifiers() -> Mapping[str, Any]:
    """Return ways to tell a person something (mail, chat ...), by name.

    Called once per process, outside any transaction. An error stops the start.
    """


@_hook("isolate")
def password_breached(prefix: str) -> Iterable[str]:
    """Return what is known of passwords that leaked elsewhere and whose SHA-1 begins with five hexadecimal figures.

    Each is the rest of the hash, 35 figures, with `:count` behind it or not. So whoever is asked learns neither the
    password nor its hash. Called when somebody chooses a password, outside any transaction. An error is logged, and
    the password is taken; after five in a row it is no longer called.
    """


@_hook("stop")
def storages() -> Mapping[str, Any]:
    """Return places where uploaded files can be kept, by the scheme of their address.

    Called once per process, before files are opened, outside any transaction. An error stops the start.
    """


@_hook("stop")
def commands() -> Iterable[Any]:
    """Return commands of the command line.

    Called when the command line starts, outside any transaction. An error stops it.
    """


@_hook("pass")
def changed(batch: Batch, connection: Any) -> None:
    """Match what was written with what must follow: workflow runs, jobs, deliveries to webhooks.

    For the engine's own layers, not for plugins: it is handed the open connection. Called inside the transaction,
    after history is written and before `after_save`. An error goes to the caller and takes the whole write back.
    """


@_hook("pass")
def shared(share: Any, connection: Any) -> None:
    """Match what was shared with what must follow: notices.

    For the engine's own layers, not for plugins: it is handed the open connection. Called inside the transaction,
    after the share is written. An error goes to the caller and takes the share back.
    """
