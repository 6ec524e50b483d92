"""Closes an account in the middle of a transaction, and opens it again when a hand-over is taken back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from engine.data import pipeline
from engine.data.answers import answers
from engine.data.batch import Change
from engine.data.undo import Undo, UndoReport
from engine.data.unit import Unit
from engine.errors import GuanxiError
from engine.handover.belongings import USER
from engine.handover.store import Handover
from engine.identity import Person
from engine.storage.database import run

_SHARE = ("entity", "record_id", "principal_id", "level", "cause", "kind", "until", "cascades", "made_by", "made_at")


def close(unit: Unit, person: Person) -> tuple[dict[str, int], list[list[Any]]]:
    """Disable an account, end what signs in as it, take shares away; return what was ended, and the shares.

    Raises:
        GuanxiError: nobody would be left who may look after the site.
    """
    database = unit.records.database
    if person.active:
        shape = unit.shape(USER)
        batch = pipeline.update(unit, shape, [Change(person.id, {"status": "disabled"})], 0, trusted=True)
        for each in answers(unit, shape, batch).values():
            if isinstance(each, GuanxiError):
                raise each
    mark = unit.phrases.mark
    sign_ins = unit.run(f"DELETE FROM auth_session WHERE user_id = {mark}", (person.id,))  # noqa: S608 - constants
    tokens = unit.run(
        f"UPDATE auth_token SET revoked_at = {mark} WHERE user_id = {mark} AND revoked_at IS NULL",  # noqa: S608
        (unit.at, person.id),
    )
    ended = {"sign_ins": int(sign_ins.rowcount), "tokens": int(tokens.rowcount)}
    shares = unit.run(
        f"DELETE FROM share WHERE principal_id = {mark} RETURNING {', '.join(_SHARE)}",  # noqa: S608 - constants
        (person.id,),
    ).fetchall()
    ended["shares"] = len(shares)
    database.raise_access_epoch(unit.connection)
    return ended, [list(row) for row in shares]


def take_back(unit: Unit, known: Handover) -> UndoReport:
    """Take back what a hand-over did, and share with the person again what was shared.

    Raises:
        GuanxiError: it was taken back before.
    """
    report = Undo(unit, known.id, of="handover").carry_out()
    mark = unit.phrases.mark
    marks = ", ".join([mark] * len(_SHARE))
    unit.run_many(
        f"INSERT INTO share ({', '.join(_SHARE)}) VALUES ({marks}) ON CONFLICT DO NOTHING",  # noqa: S608 - constants
        known.shares,
    )
    unit.records.database.raise_access_epoch(unit.connection)
    return report


def wait_for_others(unit: Unit, person: Person) -> None:
    """Wait until nobody is in the middle of writing a record that leads to a person; for PostgreSQL."""
    shape = unit.shape(USER)
    identity = shape.by_key["id"].name
    unit.run(
        f"SELECT 1 FROM {shape.table} WHERE {identity} = {unit.phrases.mark} FOR UPDATE",  # noqa: S608 - names of the Model
        (person.id,),
    )


def is_above(connection: Connection, manager: str, person: str) -> bool:
    """Say whether somebody stands above a person, at any distance."""
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    text = f"SELECT 1 FROM user_closure WHERE manager_id = {mark} AND user_id = {mark}"  # noqa: S608 - constants
    return run(connection, text, (manager, person)).fetchone() is not None
