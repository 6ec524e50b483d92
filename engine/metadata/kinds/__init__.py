"""The JSON Schemas of the kinds of document, one function a kind, and the `Shape` that each compiles to.

Rules for all of them: no oneOf and no anyOf (what differs is told apart by `type` or `do`), every object says
`additionalProperties`, every property says in `x-layer` how a higher layer may change it.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.fields import field_types
from engine.metadata.kinds import alerts, automation, entity, insight, rights, screens, service
from engine.metadata.kinds.parts import Schema
from engine.metadata.shape import Compiler, Shape

_MAKERS: dict[str, Callable[[], Schema]] = {
    "entity": entity.entity_schema,
    "view": screens.view_schema,
    "form": screens.form_schema,
    "dashboard": insight.dashboard_schema,
    "report": insight.report_schema,
    "menu": screens.menu_schema,
    "role": rights.role_schema,
    "pack": rights.pack_schema,
    "translation": rights.translation_schema,
    "test": rights.test_schema,
    "workflow": automation.workflow_schema,
    "assignment": automation.assignment_schema,
    "pool": automation.pool_schema,
    "alert": alerts.alert_schema,
    "sla": service.sla_schema,
    "calendar": service.calendar_schema,
    "duplicate": service.duplicate_schema,
    "conversion": service.conversion_schema,
    "template": service.template_schema,
}
_shapes: dict[tuple[str, int], Shape] = {}


def schema(kind: str) -> Schema:
    """Return the JSON Schema of a kind, with the field types that are known now."""
    return _MAKERS[kind]()


def shape(kind: str) -> Shape:
    """Return the compiled schema of a kind."""
    # A plugin may add field types before it is first asked for, and in tests after.
    key = (kind, len(field_types()) if kind == "entity" else 0)
    found = _shapes.get(key)
    if found is None:
        made = schema(kind)
        found = _shapes[key] = Compiler(made).compile(made)
    return found
