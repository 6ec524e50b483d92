"""Who may see what, worked out row by row in Python, as slowly and plainly as it can be said.

Nothing here knows SQL; conditions are evaluated by the Python back end of expressions.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.data.principal import Principal, variables
from engine.expression import Expr, compile_python
from engine.metadata.model import Entity, Grant, Role
from engine.metadata.scope import EntityScope
from tests.functional.reading.world import NOW, World

Record = dict[str, Any]


class Oracle:
    """Answers for one person."""

    def __init__(self, world: World, person: Principal) -> None:
        self.world = world
        self.model = world.model
        self.person = person
        self.roles = [self.model.roles[key] for key in person.roles if key in self.model.roles]
        self.env = variables(person, NOW)

    def records(self, entity: str) -> list[Record]:
        return [row for row in self.world.rows.get(entity, {}).values() if row["deleted_at"] is None]

    def readable(self, entity: str) -> set[str]:
        return {row["id"] for row in self.records(entity) if self.may(entity, row, "read")}

    # --- rights

    def may(self, entity: str, row: Record, action: str, roles: list[Role] | None = None) -> bool:
        """A restriction of any role that is held keeps a row out; a grant of any role lets it in."""
        known = self.model.entity(entity)
        for role in self.roles:
            for condition in role.restrict.get(entity, {}).values():
                if not self.holds(condition, known, row):
                    return False
        return any(self._granted(role, known, row, action) for role in (self.roles if roles is None else roles))

    def _granted(self, role: Role, entity: Entity, row: Record, action: str) -> bool:
        grant = self._grant(role, entity.key)
        if entity.parent is not None:
            parent = self.world.rows[entity.parent][row[entity.parent_field or ""]]
            above = action if action == "read" else "update"
            if not self.may(entity.parent, parent, above, [role]):
                return False
            if entity.key not in role.grants:
                return True
        if grant is None:
            return False
        return any(self._row(rows, entity, row, action) for rows in grant.actions.get(action, ()))

    @staticmethod
    def _grant(role: Role, entity: str) -> Grant | None:
        return role.grants.get(entity) or role.grants.get("*")

    def _row(self, rows: str | Expr, entity: Entity, row: Record, action: str) -> bool:
        if not isinstance(rows, str):
            return self.holds(rows, entity, row)
        owner = row["id"] if entity.key == "user" else row["owner"] if entity.owned else row["created_by"]
        users = self.world.rows["user"]
        match rows:
            case "all":
                return True
            case "own":
                return bool(owner == self.person.id)
            case "subordinates":
                above = users[owner]["manager"] if owner is not None else None
                while above is not None:
                    if above == self.person.id:
                        return True
                    above = users[above]["manager"]
                return False
            case "team":
                teams = [self.world.rows["team"][team] for team in self.person.teams]
                return any(owner in (team["members"] or ()) for team in teams)
            case "department":
                department = users[owner]["department"] if owner is not None else None
                while department is not None:
                    if department == self.person.department:
                        return True
                    department = self.world.rows["department"][department]["parent"]
                return False
            case _:
                return self._shared(entity, row, action)

    def _shared(self, entity: Entity, row: Record, action: str) -> bool:
        levels = {"read", "edit"} if action == "read" else {"edit"}
        me = {self.person.id, *self.person.teams, self.person.department} - {None}
        for share in self.world.rows.get("share", {}).values():
            shared = (share["entity"], share["record"]) == (entity.key, row["id"])
            if shared and share["principal"] in me and share["level"] in levels:
                return True
        for key, field in entity.fields.items():
            if field.share in levels:
                named = row[key] if field.type.links == "many" else (row[key],)
                if me & set(named or ()):
                    return True
        return False

    # --- conditions

    def holds(self, condition: Expr, entity: Entity, row: Record, *, asking: bool = False) -> bool:
        evaluate = compile_python(condition, EntityScope(self.model, entity.key))
        return bool(evaluate(View(self, entity, row, asking=asking), self.env))

    def answer(self, entity: str, condition: Expr | None) -> set[str]:
        """The ids of a list with a filter."""
        known = self.model.entity(entity)
        return {
            row["id"]
            for row in self.records(entity)
            if self.may(entity, row, "read") and (condition is None or self.holds(condition, known, row, asking=True))
        }


class View(Mapping[str, Any]):
    """A record as expressions see it; with `asking`, only as far as the person may see along links."""

    def __init__(self, oracle: Oracle, entity: Entity, row: Record, *, asking: bool) -> None:
        self.oracle, self.entity, self.row, self.asking = oracle, entity, row, asking

    def __getitem__(self, path: str) -> Any:
        first, _, rest = path.partition(".")
        field = self.entity.fields.get(first)
        if field is None or field.type.links in {"children", "many"}:
            return self._many(first)
        if field.expr is not None and field.type.name == "reference":
            return self[".".join(field.expr.keys)]  # type: ignore[union-attr]
        if field.expr is not None:
            scope = EntityScope(self.oracle.model, self.entity.key)
            return compile_python(field.expr, scope)(
                View(self.oracle, self.entity, self.row, asking=False), self.oracle.env
            )
        value = self.row[first]
        if not rest or value is None:
            return value
        target = self.oracle.model.entity(field.target or "")
        linked = self.oracle.world.rows[target.key][value]
        if self.asking and rest not in {target.title, "id"} and not self.oracle.may(target.key, linked, "read"):
            return None
        return View(self.oracle, target, linked, asking=self.asking)[rest]

    def _many(self, key: str) -> list["View"]:
        own = self.entity.fields.get(key)
        if own is not None and own.type.links == "many":
            rows = [self.oracle.world.rows[own.target or ""][each] for each in self.row[key] or ()]
            target = own.target or ""
        else:
            relation = self.entity.relations[key]
            target = relation.entity
            rows = [
                row
                for row in self.oracle.records(target)
                if self.row["id"] == row[relation.field]
                or (relation.kind == "lookups" and self.row["id"] in (row[relation.field] or ()))
            ]
        return [
            View(self.oracle, self.oracle.model.entity(target), row, asking=self.asking)
            for row in rows
            if row["deleted_at"] is None and (not self.asking or self.oracle.may(target, row, "read"))
        ]

    def __iter__(self) -> Iterator[str]:
        return iter(self.entity.fields)

    def __len__(self) -> int:
        return len(self.entity.fields)
