"""Who may see and do what, worked out row by row in Python, as slowly and plainly as it can be said.

It follows what docs/permissions.md promises and shares nothing with what the product compiles: no SQL, no compiled
rule. Conditions are evaluated by the Python half of expressions over plain rows. What it says wins an argument only
if the two halves were written by people who read the same page, so it is kept short enough to be read against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from engine import clock
from engine.data.principal import Principal, variables
from engine.expression import Expr, compile_python
from engine.leaks.plain import Plain, Record
from engine.metadata.model import Entity, Field, Grant, Role
from engine.metadata.scope import EntityScope

_GENEROSITY = ("hidden", "masked", "reveal", "read", "write")
_SHOWN = {"hidden": "hidden", "masked": "masked", "reveal": "masked", "read": "read", "write": "read"}
_WRITES = ("create", "update", "import")
_LOOKS = ("read", "export")
_NAMED = ("user", "team", "department")
"""What a field with `share:` may lead to, to name whom a record is shared with."""


class Oracle:
    """Answers for one person over plain rows."""

    def __init__(self, plain: Plain, person: Principal, now: datetime | None = None) -> None:
        self.plain = plain
        self.model = plain.model
        self.person = person
        self.now = now or clock.now()
        self.roles = [self.model.roles[key] for key in sorted(person.roles) if key in self.model.roles]
        self.env = variables(person, self.now)
        self._may: dict[tuple[str, str, str], bool] = {}
        self.memory: dict[str, Any] = {}
        """What whoever asks has worked out about this person."""

    # --- rows -----------------------------------------------------------------------------------------------------

    def may(self, entity: str, row: Record, action: str, only: Role | None = None) -> bool:
        """Say whether an action reaches a record; with `only`, whether that role alone would let it through."""
        key = (entity, row["id"], action)
        if only is None and key in self._may:
            return self._may[key]
        answer = self._decide(entity, row, action, self.roles if only is None else [only])
        if only is None:
            self._may[key] = answer
        return answer

    def _decide(self, entity: str, row: Record, action: str, roles: list[Role]) -> bool:
        if self.person.system:
            return True
        if not self.scoped(entity, action) or self.restriction(entity, row) is not None:
            return False
        if entity == "comment" and not self._reads_what_it_is_about(row):
            return False
        return any(self._granted(role, self.model.entity(entity), row, action) for role in roles)

    def _reads_what_it_is_about(self, row: Record) -> bool:
        """Say whether the record that a comment is about may be read; who reads everything reads all comments."""
        others = [key for key in self.model.entities if key != "comment"]
        if all(self._reads_all(key) for key in others):
            return True
        about = self.plain.row(row["record_entity"], row["record_id"]) if row["record_entity"] in others else None
        return about is not None and self.may(row["record_entity"], about, "read")

    def _reads_all(self, entity: str) -> bool:
        if not self.scoped(entity, "read") or any(role.restrict.get(entity) for role in self.roles):
            return False
        return any(self._all(role, self.model.entity(entity)) for role in self.roles)

    def _all(self, role: Role, entity: Entity) -> bool:
        """Say whether a role grants to read every record."""
        if entity.parent is not None:
            above = self.model.entity(entity.parent)
            if any(each.restrict.get(above.key) for each in self.roles) or not self._all(role, above):
                return False
            if entity.key not in role.grants:
                return True
        grant = _grant(role, entity.key)
        return grant is not None and "all" in grant.actions.get("read", ())

    def somewhere(self, entity: str, action: str) -> bool:
        """Say whether a grant speaks of the action at all."""
        if self.person.system:
            return True
        return self.scoped(entity, action) and any(self._speaks(role, entity, action) for role in self.roles)

    def _speaks(self, role: Role, entity: str, action: str) -> bool:
        known = self.model.entity(entity)
        above = action if action in _LOOKS else "update"
        if known.parent is not None and not self._speaks(role, known.parent, above):
            return False
        if known.parent is not None and entity not in role.grants:
            return True
        grant = _grant(role, entity)
        return grant is not None and bool(grant.actions.get(action))

    def scoped(self, entity: str, action: str) -> bool:
        """Say whether the token, if it is one, reaches as far."""
        scopes = self.person.scopes
        return scopes is None or bool(scopes & {"*", action, f"{entity}:*", f"{entity}:{action}"})

    def restriction(self, entity: str, row: Record) -> str | None:
        """Return the name of a restriction that keeps the record away from everybody with the role; None if none."""
        for role in self.roles:
            for name, condition in role.restrict.get(entity, {}).items():
                if not self.holds(condition, entity, row):
                    return f"{role.key}: {name}"
        return None

    def _granted(self, role: Role, entity: Entity, row: Record, action: str) -> bool:
        if entity.parent is not None:
            parent = self.plain.row(entity.parent, row[entity.parent_field or ""])
            above = action if action in _LOOKS else "update"
            if parent is None or not self.may(entity.parent, parent, above, role):
                return False
            if entity.key not in role.grants:
                return True
        grant = _grant(role, entity.key)
        return grant is not None and any(self._row(rows, entity, row, action) for rows in grant.actions.get(action, ()))

    # --- named rows -----------------------------------------------------------------------------------------------

    @staticmethod
    def _owner(entity: Entity, row: Record) -> str | None:
        """Return whose a record is: of a user the user, else its owner, else who made it."""
        owner: str | None = row["id"] if entity.key == "user" else row["owner" if entity.owned else "created_by"]
        return owner

    def _row(self, rows: str | Expr, entity: Entity, row: Record, action: str) -> bool:
        if not isinstance(rows, str):
            return self.holds(rows, entity.key, row)
        owner = self._owner(entity, row)
        match rows:
            case "all":
                return True
            case "own":
                return owner is not None and owner in self._covered()
            case "subordinates":
                return not self._covered().isdisjoint(self._line(owner))
            case "team":
                return self._in_my_teams(entity, row, owner)
            case "department":
                return self._in_my_department(entity, row, owner)
            case "shared":
                return self._shared(entity, row, action)
        return False

    def _covered(self) -> frozenset[str]:
        """Return the person and everybody who is away and for whom the person stands in."""
        if "covered" not in self.memory:
            away = (absence.user_id for absence in self.person.absences if absence.begins <= self.now < absence.ends)
            self.memory["covered"] = frozenset(filter(None, (self.person.id, *away)))
        found: frozenset[str] = self.memory["covered"]
        return found

    def _line(self, person: str | None) -> Iterator[str]:
        """Yield the superiors of a person, from the nearest up."""
        seen: set[str] = set()
        above = (self.plain.row("user", person) or {}).get("manager")
        while above is not None and above not in seen:
            seen.add(above)
            yield above
            above = (self.plain.row("user", above) or {}).get("manager")

    def _in_my_teams(self, entity: Entity, row: Record, owner: str | None) -> bool:
        if entity.key == "team":
            return row["id"] in self.person.teams
        teams = (self.plain.row("team", team) for team in self.person.teams)
        return owner is not None and any(owner in (team["members"] or ()) for team in teams if team is not None)

    def _in_my_department(self, entity: Entity, row: Record, owner: str | None) -> bool:
        mine = self.person.department
        there = row["id"] if entity.key == "department" else (self.plain.row("user", owner) or {}).get("department")
        seen: set[str] = set()
        while mine is not None and there is not None and there not in seen:
            if there == mine:
                return True
            seen.add(there)
            there = (self.plain.row("department", there) or {}).get("parent")
        return False

    def _shared(self, entity: Entity, row: Record, action: str) -> bool:
        levels = {"read", "edit"} if action in _LOOKS else {"edit"}
        return (
            self._given_to_me(entity, row, levels, onward=False)
            or self._named_in(entity, row, levels)
            or any(self._follows_me(*above, levels, frozenset()) for above in self._above(entity, row, levels))
        )

    def _follows_me(self, entity: Entity, row: Record, levels: set[str], seen: frozenset[str]) -> bool:
        """Say whether what hangs on a record is shared along with it: mine, given to me, or hanging itself."""
        if row["id"] in seen:
            return False
        if row["deleted_at"] is None and self._owner(entity, row) in self._covered():
            return True
        if self._given_to_me(entity, row, levels, onward=True) or self._named_in(entity, row, levels):
            return True
        above = self._above(entity, row, levels)
        return any(self._follows_me(*each, levels, seen | {row["id"]}) for each in above)

    def _given_to_me(self, entity: Entity, row: Record, levels: set[str], *, onward: bool) -> bool:
        me = set(self.person.sharing_ids)
        return any(
            str(share["principal_id"]) in me
            and share["level"] in levels
            and not self._over(share["until"])
            and (bool(share["cascades"]) or not onward)
            for share in self.plain.shares(entity.key, row["id"])
        )

    def _named_in(self, entity: Entity, row: Record, levels: set[str]) -> bool:
        """Say whether a field with `share:` names the person, a team or a department of theirs."""
        me = set(self.person.sharing_ids)
        fields = (field for field in entity.fields.values() if field.share in levels and field.target in _NAMED)
        return any(me & set(_ids(field, row)) for field in fields)

    def _above(self, entity: Entity, row: Record, levels: set[str]) -> Iterator[tuple[Entity, Record]]:
        """Yield the records that a record hangs on by links with `share:`."""
        for field in entity.fields.values():
            there = self.model.entities.get(field.target or "")
            if field.share in levels and there is not None and there.key not in _NAMED:
                yield from ((there, each) for id_ in _ids(field, row) if (each := self.plain.row(there.key, id_)))

    def _over(self, until: Any) -> bool:
        if until is None:
            return False
        moment = datetime.fromisoformat(until) if isinstance(until, str) else until
        return bool((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) <= self.now)

    # --- fields ---------------------------------------------------------------------------------------------------

    def mask(self, entity: str, key: str) -> str:
        """Return what `_mask` works out, once."""
        masks: dict[tuple[str, str], str] = self.memory.setdefault("masks", {})
        if (entity, key) not in masks:
            masks[entity, key] = self._mask(entity, key)
        return masks[entity, key]

    def _mask(self, entity: str, key: str) -> str:
        """Return how a field is seen, "hidden", "masked" or "read": the most generous of the roles that let read."""
        known = self.model.entity(entity)
        field = known.fields[key]
        if self.person.system:
            seen = "read"
        elif self.somewhere(entity, "read"):
            given = [self._given(role, known, key) for role in self.roles if self._speaks(role, entity, "read")]
            seen = max(given, key=_GENEROSITY.index, default="hidden")
        else:
            seen = "read" if key in {"id", known.title} else "hidden"
        seen = _SHOWN[seen]
        if key in {"id", "version"} and seen == "masked":
            seen = "read"
        if (field.secret or field.type.name == "secret") and seen != "hidden":
            return "masked"
        if field.type.name == "reference" and seen != "hidden" and not self.person.system:
            return self._of_reference(known, field, seen)
        return seen

    def _of_reference(self, entity: Entity, field: Field, seen: str) -> str:
        """Return how a reference is seen: no better than each field on its way."""
        here = entity
        for key in getattr(field.expr, "keys", ()):
            seen = min(seen, self.mask(here.key, key), key=_GENEROSITY.index)
            target = here.fields[key].target
            here = self.model.entity(target) if target is not None else here
        return seen

    def _given(self, role: Role, entity: Entity, key: str) -> str:
        if entity.parent is not None and entity.key not in role.grants:
            return "write"
        grant = _grant(role, entity.key)
        return "write" if grant is None else grant.fields.get(key, "write")

    def writes(self, entity: str, key: str, actions: Iterable[str] = _WRITES) -> bool:
        """Say whether a field may be given a value by somebody whom the row lets write."""
        known = self.model.entity(entity)
        field = known.fields.get(key)
        if field is None or not field.writable:
            return False
        if self.person.system:
            return True
        allowed = [action for action in actions if self.scoped(entity, action)]
        return any(
            self._given(role, known, key) == "write"
            for role in self.roles
            if any(self._speaks(role, entity, action) for action in allowed)
        )

    def reveals(self, entity: str, key: str) -> bool:
        """Say whether the plain value of a masked field may be asked for, where the row may be read."""
        if self.mask(entity, key) != "masked" or not self.scoped(entity, "reveal"):
            return False
        if self.person.system or any("admin" in role.permissions for role in self.roles):
            return True
        known = self.model.entity(entity)
        for role in self.roles:
            own = known.parent is None or entity in role.grants
            grant = _grant(role, entity)
            named = grant.fields.get(key) if grant is not None and own else None
            if named in {"reveal", "read", "write"} and self._speaks(role, entity, "read"):
                return True
        return False

    def holds_permission(self, name: str) -> bool:
        """Say whether the person has a permission that is not about rows; administrators have all of them."""
        held = frozenset[str]().union(self.person.permissions, *(role.permissions for role in self.roles))
        scopes = self.person.scopes
        return (self.person.system or name in held or "admin" in held) and (
            scopes is None or bool(scopes & {"*", name})
        )

    # --- conditions -----------------------------------------------------------------------------------------------

    def holds(self, condition: Expr, entity: str, row: Record) -> bool:
        """Say whether a condition is true of a record, as the system sees it."""
        return bool(self.value(condition, entity, row))

    def value(self, expression: Expr, entity: str, row: Record, *, asking: bool = False) -> Any:
        """Return what an expression gives for a record; with `asking`, only as far along links as the person sees."""
        evaluate = self.model.derive(
            ("leaks", entity, expression), lambda: compile_python(expression, EntityScope(self.model, entity))
        )
        return evaluate(Seen(self, self.model.entity(entity), row, asking=asking), self.env)

    def visible(self, entity: str) -> list[Record]:
        """Return the live records that the person may read."""
        return [row for row in self.plain.rows(entity) if row["deleted_at"] is None and self.may(entity, row, "read")]

    def answer(self, entity: str, condition: Expr | None) -> set[str]:
        """Return the ids of a list with a filter that the person asks for."""
        return {
            row["id"]
            for row in self.visible(entity)
            if condition is None or self.value(condition, entity, row, asking=True)
        }


class Seen(Mapping[str, Any]):
    """A record as expressions see it; with `asking`, only as far as the person may see along links."""

    def __init__(self, oracle: Oracle, entity: Entity, row: Record, *, asking: bool) -> None:
        self.oracle, self.entity, self.row, self.asking = oracle, entity, row, asking

    def __getitem__(self, path: str) -> Any:
        if path.endswith("^"):
            return self._above(path[:-1])
        first, _, rest = path.partition(".")
        field = self.entity.fields.get(first)
        if field is None or field.type.links in {"children", "many"}:
            return self._many(first) if not rest else None
        if field.expr is not None and field.type.name == "reference":
            return self[".".join((*getattr(field.expr, "keys", ()), *([rest] if rest else [])))]
        if field.expr is not None and not field.stored:
            return self.oracle.value(field.expr, self.entity.key, self.row)
        value = self.row.get(first)
        if not rest or value is None:
            return value
        target = self.oracle.model.entity(field.target or "")
        linked = self.oracle.plain.row(target.key, value)
        if linked is None:
            return None
        if self.asking and rest not in {target.title, "id"} and not self.oracle.may(target.key, linked, "read"):
            return None
        return Seen(self.oracle, target, linked, asking=self.asking)[rest]

    def _many(self, key: str) -> list[Seen]:
        own = self.entity.fields.get(key)
        many = own is not None and own.type.links == "many"
        target = (own.target if many and own is not None else self.entity.relations[key].entity) or ""
        return [
            Seen(self.oracle, self.oracle.model.entity(target), row, asking=self.asking)
            for row in self.oracle.plain.many(self.entity.key, key, self.row["id"])
            if not self.asking or self.oracle.may(target, row, "read")
        ]

    def _above(self, path: str) -> tuple[str, ...]:
        """Return the ids of the record at the end of a path and of those above it in its tree."""
        field = self.entity.fields.get(path.rpartition(".")[2])
        target = self.oracle.model.entity(field.target or "") if field is not None and path != "id" else self.entity
        link = next((each.key for each in target.fields.values() if _is_tree(target, each)), None)
        found: list[str] = []
        here = self[path]
        while here is not None and here not in found:
            found.append(here)
            here = (self.oracle.plain.row(target.key, here) or {}).get(link or "") if link is not None else None
        return tuple(found)

    def __contains__(self, path: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self.entity.fields)

    def __len__(self) -> int:
        return len(self.entity.fields)


def _ids(field: Field, row: Record) -> tuple[str, ...]:
    value = row.get(field.key)
    return tuple(value or ()) if field.type.links == "many" else tuple(filter(None, (value,)))


def _grant(role: Role, entity: str) -> Grant | None:
    return role.grants.get(entity) or role.grants.get("*")


def _is_tree(entity: Entity, field: Field) -> bool:
    own = [e for e in entity.fields.values() if e.target == entity.key and e.type.links == "one" and not e.system]
    return field in own and (field.key == "parent" or (field is own[0] and all(e.key != "parent" for e in own)))
