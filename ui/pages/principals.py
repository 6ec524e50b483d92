"""Users, teams and departments by name: what is offered while somebody types, and whom a typed name means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine import Call, Expr, Literal, Message, Order, Path, Query, Reader, conjunction

KINDS = ("user", "team", "department")
CHOICES = 8
"""Names of each kind that are offered."""
_READ = frozenset({"read", "write"})


def matching(
    reader: Reader, typed: str, kinds: Iterable[str] = KINDS, *, besides: Expr | None = None
) -> list[tuple[str, str]]:
    """Return ("user/<id>", name) of those whose name holds some letters, as far as who reads may see them.

    `besides` is one more condition on each of the kinds.
    """
    found: list[tuple[str, str]] = []
    for kind in kinds:
        found += _named(reader, kind, typed, exactly=False, besides=besides)
    return found


def found_by(reader: Reader, form: Mapping[str, str], name: str = "with") -> tuple[str, str, Message | None]:
    """Return (kind, id, what is wrong) of whom a form names: one who was chosen, else whoever is called like that."""
    typed, chosen = form.get(name, "").strip(), form.get(f"id-{name}", "")
    kind, _, id_ = chosen.partition("/")
    if chosen and kind in KINDS and typed == form.get(f"title-{name}", "").strip():
        return kind, id_, None
    if not typed:
        return "", "", Message("Say with whom")
    asked = form.get(f"kind-{name}", "")
    named = _named(reader, asked, typed, exactly=True) if asked in KINDS else []
    if not named:
        # The kind is easily overlooked; a name that only one of all has is clear all the same.
        named = [each for kind in KINDS for each in _named(reader, kind, typed, exactly=True)]
    if len(named) == 1:
        kind, _, id_ = named[0][0].partition("/")
        return kind, id_, None
    if named:
        return "", "", Message("Several are called {name}; write the email, or choose one", name=typed)
    return "", "", Message("There is nobody called {name}", name=typed)


def _named(
    reader: Reader, kind: str, typed: str, *, exactly: bool, besides: Expr | None = None
) -> list[tuple[str, str]]:
    known = reader.model.entities.get(kind)
    mask = reader.access.mask(kind) if known is not None and reader.access.may(kind, "read") else {}
    if known is None or mask.get(known.title) not in _READ:
        return []
    title = Path((known.title,))
    conditions: list[Expr] = [besides] if besides is not None else []
    if typed and exactly:
        fits: Expr = Call("==", (Call("lower", (title,)), Literal(typed.lower())))
        if kind == "user" and "@" in typed and mask.get("email") in _READ:
            fits = Call("==", (Call("lower", (Path(("email",)),)), Literal(typed.lower())))
        conditions.append(fits)
    elif typed:
        conditions.append(Call("contains", (Call("lower", (title,)), Literal(typed.lower()))))
    if kind == "user" and mask.get("status") in _READ:
        conditions.append(Call("==", (Path(("status",)), Literal("active"))))
    where = conjunction(*conditions) if conditions else None
    query = Query(kind, select=("id", known.title), where=where, order_by=(Order((known.title,)),), limit=CHOICES)
    return [(f"{kind}/{row['id']}", str(row[known.title] or "")) for row in reader.query(query).dicts()]
