"""Random typed expressions over the world of `world.py`."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import time

from engine.expression import Call, Expr, FieldInfo, Literal, Path, Type, Var, transform
from engine.expression.parse import fold
from tests.parity.world import ENTITIES, STAGES, TAGS, TEXTS, VARIABLES, some_date, some_moment, some_number

SCALARS = (Type.NUMBER, Type.NUMBER, Type.TEXT, Type.TEXT, Type.DATE, Type.DATETIME, Type.TIME, Type.LINK, Type.BOOLEAN)
ORDERED = (Type.NUMBER, Type.NUMBER, Type.TEXT, Type.DATE, Type.DATETIME, Type.TIME)


class Generator:
    """Makes expressions of a wanted type; `entity` says whose fields they may use."""

    def __init__(self, rng: random.Random, ids: dict[str, list[str]]) -> None:
        self.rng = rng
        self.ids = ids

    def expression(self, depth: int) -> Expr:
        kinds = (Type.BOOLEAN, Type.BOOLEAN, Type.BOOLEAN, *SCALARS)
        return transform(self.make(self.rng.choice(kinds), depth, "deal"), fold)

    def make(self, kind: Type, depth: int, entity: str) -> Expr:
        if depth <= 0 or self.rng.random() < 0.12:
            return self.leaf(kind, entity)
        if self.rng.random() < 0.08:
            return self.choice(kind, depth, entity)
        makers: dict[Type, Callable[[int, str], Expr]] = {
            Type.BOOLEAN: self.boolean,
            Type.NUMBER: self.number,
            Type.TEXT: self.text,
            Type.DATE: self.date,
            Type.DATETIME: self.datetime,
            Type.TIME: self.time,
            Type.LINK: lambda depth, entity: self.leaf(Type.LINK, entity),
        }
        return makers[kind](depth - 1, entity)

    def choice(self, kind: Type, depth: int, entity: str) -> Expr:
        if self.rng.random() < 0.5:
            condition = self.make(Type.BOOLEAN, depth - 1, entity)
            return Call("if", (condition, self.make(kind, depth - 1, entity), self.make(kind, depth - 1, entity)))
        return Call("coalesce", tuple(self.make(kind, depth - 1, entity) for _ in range(self.rng.randrange(1, 4))))

    # -- leaves

    def leaf(self, kind: Type, entity: str) -> Expr:
        roll = self.rng.random()
        if roll < 0.03:
            return Literal(None)
        if roll < 0.25:
            return self.literal(kind)
        if roll < 0.36:
            names = [name for name, info in VARIABLES.items() if info.type is kind]
            return Var(self.rng.choice(names)) if names else self.literal(kind)
        found = self.path(kind, entity)
        return found if found is not None else self.literal(kind)

    def path(self, kind: Type, entity: str, options: bool | None = None) -> Path | None:
        keys: tuple[str, ...] = ()
        while self.rng.random() < 0.2 and len(keys) < 2:
            links = [name for name, info in ENTITIES[entity].items() if info.type is Type.LINK and name != "id"]
            if not links:
                break
            keys = (*keys, self.rng.choice(links))
            entity = ENTITIES[entity][keys[-1]].target or ""
        names = [name for name, info in ENTITIES[entity].items() if info.type is kind and _fits(info, options)]
        return Path((*keys, self.rng.choice(names))) if names else None

    def literal(self, kind: Type) -> Expr:
        rng = self.rng
        match kind:
            case Type.BOOLEAN:
                return Literal(rng.random() < 0.5)
            case Type.NUMBER:
                return Literal(some_number(rng, rng.choice((0, 0, 1, 2, 3, 4, 10)), rng.choice((2, 6, 9, 20))))
            case Type.DATE:
                return Literal(some_date(rng))
            case Type.DATETIME:
                return Literal(some_moment(rng))
            case Type.TIME:
                return Literal(rng.choice((time(9, 30), time(), time(23, 59, 59))))
            case Type.LINK:
                return Literal(rng.choice([*self.ids["account"], "no-id", self.ids["deal"][0].upper()]))
            case _:
                return Literal(rng.choice(TEXTS))

    # -- conditions

    def boolean(self, depth: int, entity: str) -> Expr:
        rng = self.rng
        makers = [self.junction, self.comparison, self.membership] * 2
        makers += [self.negation, self.comparison, self.order, self.presence, self.text_question, self.related]
        makers += [self.subtree, self.select]
        make = rng.choice(makers)
        return make(depth, entity)

    def truthy(self, depth: int, entity: str) -> Expr:
        if self.rng.random() < 0.8:
            return self.make(Type.BOOLEAN, depth, entity)
        return self.make(self.rng.choice(SCALARS), depth, entity)

    def junction(self, depth: int, entity: str) -> Expr:
        parts = tuple(self.truthy(depth, entity) for _ in range(self.rng.choice((2, 2, 3, 4))))
        return Call(self.rng.choice(("and", "or")), parts)

    def negation(self, depth: int, entity: str) -> Expr:
        return Call("not", (self.truthy(depth, entity),))

    def comparison(self, depth: int, entity: str) -> Expr:
        kind = self.rng.choice(SCALARS)
        other = kind
        if kind is Type.LINK and self.rng.random() < 0.2:
            other = Type.TEXT
        left, right = self.plain(kind, depth, entity), self.plain(other, depth, entity)
        if self.rng.random() < 0.5:
            left, right = right, left
        return Call(self.rng.choice(("==", "!=")), (left, right))

    def plain(self, kind: Type, depth: int, entity: str) -> Expr:
        """An operand that no select's options restrict."""
        found = self.make(kind, depth, entity)
        if isinstance(found, Path) and kind is Type.TEXT:
            return self.path(kind, entity, options=False) or Literal("new")
        return Literal("new") if isinstance(found, Var) and found.name == "old.stage" else found

    def select(self, depth: int, entity: str) -> Expr:
        stage: Expr = Var("old.stage")
        if entity == "deal" and self.rng.random() < 0.9:
            stage = Path(("stage",))
        choices = [*STAGES, None]
        if self.rng.random() < 0.4:
            return Call("in", (stage, Literal(tuple(self.rng.sample(choices, self.rng.randrange(4))))))
        return Call(self.rng.choice(("==", "!=")), (stage, Literal(self.rng.choice(choices))))

    def order(self, depth: int, entity: str) -> Expr:
        kind = self.rng.choice(ORDERED)
        sign = self.rng.choice(("<", "<=", ">", ">="))
        return Call(sign, (self.make(kind, depth, entity), self.make(kind, depth, entity)))

    def presence(self, depth: int, entity: str) -> Expr:
        kinds = (*SCALARS, Type.LIST)
        kind = self.rng.choice(kinds)
        value = self.path(kind, entity) if kind is Type.LIST else self.make(kind, depth, entity)
        return Call(self.rng.choice(("==", "!=")), (value or Literal(None), Literal(None)))

    def membership(self, depth: int, entity: str) -> Expr:
        roll = self.rng.random()
        if roll < 0.25:
            return Call("in", (self.plain(Type.TEXT, depth, entity), Var("user.roles")))
        if roll < 0.45:
            return Call("in", (self.make(Type.LINK, depth, entity), Var("user.teams")))
        if roll < 0.65 and entity == "deal":
            value = (
                Literal(self.rng.choice(TAGS))
                if self.rng.random() < 0.7
                else self.path(Type.TEXT, entity) or Literal("a")
            )
            return Call("in", (value, Path(("tags",))))
        kind = self.rng.choice((Type.NUMBER, Type.TEXT, Type.DATE, Type.LINK, Type.DATETIME))
        values = [self.literal(kind) for _ in range(self.rng.randrange(4))]
        if self.rng.random() < 0.2:
            values.append(Literal(None))
        choices = Literal(tuple(each.value for each in values if isinstance(each, Literal)))
        return Call("in", (self.plain(kind, depth, entity), choices))

    def text_question(self, depth: int, entity: str) -> Expr:
        name = self.rng.choice(("contains", "starts_with", "ends_with"))
        part = self.literal(Type.TEXT) if self.rng.random() < 0.7 else self.make(Type.TEXT, depth, entity)
        if self.rng.random() < 0.3 and isinstance(part, Literal) and isinstance(part.value, str):
            part = Literal(part.value[: self.rng.randrange(1, 3)])
        return Call(name, (self.make(Type.TEXT, depth, entity), part))

    def relation(self, entity: str) -> tuple[Path, str] | None:
        if entity == "deal":
            return self.rng.choice(((Path(("items",)), "item"), (Path(("account", "deals")), "deal")))
        return (Path(("deals",)), "deal") if entity == "account" else None

    def related(self, depth: int, entity: str) -> Expr:
        found = self.relation(entity) if depth > 0 and entity == "deal" else None
        if found is None:
            return self.comparison(depth, entity)
        path, target = found
        inner = "item" if target == "item" else "shallow deal"
        return Call(self.rng.choice(("any", "all")), (path, self.inside(Type.BOOLEAN, depth, inner)))

    def inside(self, kind: Type, depth: int, entity: str) -> Expr:
        """Something about a related row; a related deal has its own fields only, as rows go no deeper."""
        if entity == "item":
            return self.make(kind, depth, "item")
        return Shallow(self.rng, self.ids).make(kind, min(depth, 2), "deal")

    def subtree(self, depth: int, entity: str) -> Expr:
        if entity != "deal":
            return self.comparison(depth, entity)
        link = self.rng.choice((Path(("account",)), Path(("account", "parent")), Path(("owner", "parent"))))
        root = self.leaf(Type.LINK, entity) if self.rng.random() < 0.7 else self.path(Type.TEXT, entity) or Literal("x")
        return Call("in_subtree", (link, root))

    # -- values

    def number(self, depth: int, entity: str) -> Expr:  # noqa: PLR0911 - one kind of number a line
        rng, make = self.rng, self.make
        roll = rng.random()
        if roll < 0.42:
            sign = rng.choice(("+", "-", "*", "/", "//", "%"))
            return Call(sign, (make(Type.NUMBER, depth, entity), make(Type.NUMBER, depth, entity)))
        if roll < 0.52:
            return Call(rng.choice(("neg", "abs")), (make(Type.NUMBER, depth, entity),))
        if roll < 0.60:
            value = make(Type.NUMBER, depth, entity)
            return Call("round", (value,) if rng.random() < 0.3 else (value, Literal(rng.randrange(11))))
        if roll < 0.66:
            return Call(
                rng.choice(("min", "max")), tuple(make(Type.NUMBER, depth, entity) for _ in range(rng.randrange(1, 4)))
            )
        if roll < 0.71:
            return Call("len", (make(Type.TEXT, depth, entity),))
        if roll < 0.75:
            lists: list[Expr] = [Var("user.roles")]
            lists += [Path(("tags",))] if entity == "deal" else []
            return Call("len", (rng.choice(lists),))
        if roll < 0.83:
            name = rng.choice(("year", "month", "day", "weekday"))
            return Call(name, (make(rng.choice((Type.DATE, Type.DATETIME)), depth, entity),))
        if roll < 0.89:
            kinds = [rng.choice((Type.DATE, Type.DATE, Type.DATETIME)) for _ in range(2)]
            return Call(
                rng.choice(("days_between", "months_between")), tuple(make(kind, depth, entity) for kind in kinds)
            )
        if roll < 0.93:
            return Call("number", (make(rng.choice((Type.TEXT, Type.BOOLEAN, Type.NUMBER)), depth, entity),))
        found = self.relation(entity) if depth > 0 and entity == "deal" else None
        if found is None:
            return self.leaf(Type.NUMBER, entity)
        path, target = found
        inner = "item" if target == "item" else "shallow deal"
        if rng.random() < 0.5:
            return Call("sum_of", (path, self.inside(Type.NUMBER, depth - 1, inner)))
        condition = () if rng.random() < 0.3 else (self.inside(Type.BOOLEAN, depth - 1, inner),)
        return Call("count", (path, *condition))

    def text(self, depth: int, entity: str) -> Expr:
        rng, make = self.rng, self.make
        roll = rng.random()
        if roll < 0.25:
            return Call("+", (make(Type.TEXT, depth, entity), make(Type.TEXT, depth, entity)))
        if roll < 0.55:
            return Call(rng.choice(("lower", "upper", "trim")), (make(Type.TEXT, depth, entity),))
        if roll < 0.70:
            old = Literal(rng.choice(("a", "A", "", "三", "😀", "%", "_", "b\\", "ss")))
            return Call("replace", (make(Type.TEXT, depth, entity), old, self.literal(Type.TEXT)))
        if roll < 0.80:
            return Call(
                rng.choice(("min", "max")), tuple(make(Type.TEXT, depth, entity) for _ in range(rng.randrange(1, 4)))
            )
        kind = rng.choice((Type.NUMBER, Type.BOOLEAN, Type.DATE, Type.DATETIME, Type.TIME, Type.TEXT, Type.LINK))
        return Call("text", (make(kind, depth, entity),))

    def days(self, depth: int, entity: str) -> Expr:
        if self.rng.random() < 0.6:
            return Literal(self.rng.choice((0, 1, -1, 7, 30, 365, 366, 40_000, -800_000, 4_000_000)))
        return Call("round", (self.make(Type.NUMBER, depth, entity),))

    def date(self, depth: int, entity: str) -> Expr:
        rng, make = self.rng, self.make
        roll = rng.random()
        if roll < 0.35:
            value, days = make(Type.DATE, depth, entity), self.days(depth, entity)
            return Call("+", (days, value)) if rng.random() < 0.2 else Call(rng.choice(("+", "-")), (value, days))
        if roll < 0.55:
            months = (
                Literal(rng.choice((0, 1, -1, 11, 12, 13, -120_000)))
                if rng.random() < 0.7
                else self.days(depth, entity)
            )
            return Call("add_months", (make(rng.choice((Type.DATE, Type.DATETIME)), depth, entity), months))
        if roll < 0.80:
            return Call(
                "date", (make(rng.choice((Type.DATETIME, Type.DATETIME, Type.TEXT, Type.DATE)), depth, entity),)
            )
        if roll < 0.90:
            parts = [Call("round", (make(Type.NUMBER, depth, entity),)) for _ in range(3)]
            known = [
                Literal(rng.choice((2026, 1, 9999, 0))),
                Literal(rng.randrange(14)),
                Literal(rng.randrange(28, 33)),
            ]
            return Call(
                "date", tuple(one if rng.random() < 0.2 else other for one, other in zip(parts, known, strict=True))
            )
        return Call(
            rng.choice(("min", "max")), tuple(make(Type.DATE, depth, entity) for _ in range(rng.randrange(1, 4)))
        )

    def datetime(self, depth: int, entity: str) -> Expr:
        rng, make = self.rng, self.make
        roll = rng.random()
        if roll < 0.35:
            return Call(rng.choice(("+", "-")), (make(Type.DATETIME, depth, entity), self.days(depth, entity)))
        if roll < 0.70:
            return Call(
                "datetime", (make(rng.choice((Type.DATE, Type.DATE, Type.TEXT, Type.DATETIME)), depth, entity),)
            )
        if roll < 0.90:
            return Call("datetime", (make(Type.DATE, depth, entity), make(Type.TIME, depth, entity)))
        return Call(
            rng.choice(("min", "max")), tuple(make(Type.DATETIME, depth, entity) for _ in range(rng.randrange(1, 4)))
        )

    def time(self, depth: int, entity: str) -> Expr:
        if self.rng.random() < 0.6:
            return Call("time", (self.make(self.rng.choice((Type.TEXT, Type.TIME)), depth, entity),))
        return Call(self.rng.choice(("min", "max")), tuple(self.make(Type.TIME, depth, entity) for _ in range(2)))


class Shallow(Generator):
    """For related rows at the edge of what rows carry: no links followed, no relations."""

    def path(self, kind: Type, entity: str, options: bool | None = None) -> Path | None:
        names = [name for name, info in ENTITIES[entity].items() if info.type is kind and _fits(info, options)]
        return Path((self.rng.choice(names),)) if names else None

    def relation(self, entity: str) -> None:
        return None

    def subtree(self, depth: int, entity: str) -> Expr:
        return self.comparison(depth, entity)


def _fits(info: FieldInfo, options: bool | None) -> bool:
    return options is None or (info.options is not None) == options
