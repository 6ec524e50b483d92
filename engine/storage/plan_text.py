"""A plan as people read it, in their language, and as programs do."""

from __future__ import annotations

from typing import Any

from engine.i18n import Message, translate
from engine.storage.changes import Change, Plan

_SIGNS = {
    "create_table": "+",
    "create_link": "+",
    "add_column": "+",
    "add_index": "+",
    "add_unique": "+",
    "revive_column": "+",
    "revive_link": "+",
    "revive_table": "+",
    "retype_column": "~",
    "reread_column": "~",
    "fill_column": "~",
    "rename_field": "~",
    "rename_entity": "~",
    "index_search": "~",
    "drop_index": "-",
    "retire_column": "-",
    "retire_link": "-",
    "retire_table": "-",
}
_ACTIONS = {"added": "+", "changed": "~", "removed": "-"}
_WIDTH = 28
_WHAT = 58


def plan_to_text(plan: Plan, language: str = "en") -> str:
    """Return the plan as lines: sign, target, what happens, risk and rows; then what stands in the way."""
    if plan.empty and not plan.problems:
        return translate("Nothing to do: everything is published.", language) + "\n"
    lines = [f"  {_ACTIONS[each.action]} {each.name}" for each in plan.documents]
    if plan.documents and plan.changes:
        lines.append("")
    for change in plan.changes:
        lines.append(_line(change, language))
        lines += [f"      {sample.id}  {sample.value}" for sample in change.samples]
    for problem in (*plan.problems, *plan.warnings):
        lines.append(f"  ! {problem.in_(language)}")
    return "\n".join(lines) + "\n"


def _line(change: Change, language: str) -> str:
    sign = "!" if change.risk in {"lossy", "refused"} else _SIGNS[change.kind]
    words = change.what.in_(language)
    return f"  {sign} {change.target:<{_WIDTH}} {words:<{_WHAT}} {_risk(change, language)}".rstrip()


def _risk(change: Change, language: str) -> str:
    parts = [translate(change.risk, language)]
    if change.kind in {"retire_column", "retire_link", "retire_table"} and change.rows is not None:
        parts.append(Message("values kept: {rows}", rows=f"{change.rows:,}").in_(language))
    elif change.rows is not None:
        parts.append(Message("rows: {rows}", rows=f"{change.rows:,}").in_(language))
    if change.losses:
        accept = f"{change.target}={change.losses}"
        if change.accepted:
            parts.append(Message("values lost: {count}, accepted", count=change.losses).in_(language))
        else:
            template = "values lost: {count}, needs --accept {accept}"
            parts.append(Message(template, count=change.losses, accept=accept).in_(language))
    return ", ".join(parts)


def plan_to_json(plan: Plan, language: str = "en") -> dict[str, Any]:
    """Return plain JSON values; what happens is said in a language."""
    return {
        "base_revision": plan.base_revision,
        "checksum": plan.checksum,
        "documents": [{"name": each.name, "action": each.action} for each in plan.documents],
        "changes": [_change_to_json(change, language) for change in plan.changes],
        "problems": [problem.in_(language) for problem in plan.problems],
        "warnings": [problem.in_(language) for problem in plan.warnings],
    }


def _change_to_json(change: Change, language: str) -> dict[str, Any]:
    data: dict[str, Any] = {
        "kind": change.kind,
        "target": change.target,
        "what": change.what.in_(language),
        "risk": change.risk,
        "sql": list(change.sql),
    }
    if change.rows is not None:
        data["rows"] = change.rows
    if change.losses:
        data["losses"] = change.losses
        data["accepted"] = change.accepted
    if change.samples:
        data["samples"] = [{"id": sample.id, "value": sample.value} for sample in change.samples]
    if change.until:
        data["until"] = change.until
    return data
