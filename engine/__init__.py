"""Guanxi's engine: what is published as metadata becomes tables, rights and records. It knows no web and no trade.

These are its public names, all that faces and plugins may use. Each is imported when it is first asked for, so a
command that only checks a file does not wait for the database's driver.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine import clock
    from engine.data.access import Access
    from engine.data.batch import BulkResult, Change, Result, Written
    from engine.data.explain import Explanation, explain
    from engine.data.files import Files
    from engine.data.principal import SYSTEM, Principal
    from engine.data.query import Aggregate, Bucket, Query
    from engine.data.reader import Count, Reader
    from engine.data.records import Records
    from engine.data.rowset import Row, RowSet
    from engine.data.transfer import ColumnMap, ImportOptions, ImportReport, SheetUnreadable
    from engine.doctor import Finding, examine
    from engine.errors import (
        AccessDenied,
        BadValue,
        DatabaseUnavailable,
        DocumentsInvalid,
        ExpressionInvalid,
        ExpressionProblem,
        FieldConflict,
        FieldProblem,
        GuanxiError,
        IdempotencyMismatch,
        NotFound,
        PasswordRefused,
        Place,
        PlanRefused,
        Problem,
        PullFirst,
        QueryInvalid,
        QueryTooSlow,
        RecordInvalid,
        SignInNeeded,
        SignInRefused,
        SiteBroken,
        StaleModel,
        VersionConflict,
    )
    from engine.expression import (
        FALSE,
        NULL,
        TRUE,
        Call,
        Expr,
        Literal,
        Path,
        Type,
        Var,
        conjunction,
        disjunction,
        from_json,
        parse,
        to_json,
        to_text,
    )
    from engine.fields import FieldType, Locale, StorageType, field_types, register
    from engine.hooks import Hooks, hookimpl
    from engine.i18n import LANGUAGES, Message, Text, add_catalogues, humanise, translate
    from engine.identity import Identity, Link, Person, SignIn, Token
    from engine.ids import is_id, new_id
    from engine.metadata.document import Document, dump
    from engine.metadata.model import (
        ACTIONS,
        Column,
        Entity,
        Field,
        Form,
        FormItem,
        MenuItem,
        Model,
        Option,
        Order,
        Related,
        Relation,
        Role,
        Section,
        States,
        Tab,
        Transition,
        View,
    )
    from engine.publish import Plan, Published, Publisher, Revision
    from engine.publish.revisions import Entry
    from engine.scenario import Outcome, ScenarioResult, run_scenarios
    from engine.site.config import Limits, SiteConfig, read_config
    from engine.site.documents import Checked, check_files
    from engine.site.folder import create_folder, write_private
    from engine.site.pulling import Pulled
    from engine.site.site import Site
    from engine.storage.plan_text import plan_to_json, plan_to_text

_PLACES: dict[str, tuple[str, ...]] = {
    "engine.data.access": ("Access",),
    "engine.data.batch": ("BulkResult", "Change", "Result", "Written"),
    "engine.data.explain": ("Explanation", "explain"),
    "engine.data.files": ("Files",),
    "engine.data.principal": ("SYSTEM", "Principal"),
    "engine.data.query": ("Aggregate", "Bucket", "Query"),
    "engine.data.reader": ("Count", "Reader"),
    "engine.data.records": ("Records",),
    "engine.data.rowset": ("Row", "RowSet"),
    "engine.data.transfer": ("ColumnMap", "ImportOptions", "ImportReport", "SheetUnreadable"),
    "engine.doctor": ("Finding", "examine"),
    "engine.errors": (
        "AccessDenied", "BadValue", "DatabaseUnavailable", "DocumentsInvalid", "ExpressionInvalid",
        "ExpressionProblem", "FieldConflict", "FieldProblem", "GuanxiError", "IdempotencyMismatch", "NotFound",
        "PasswordRefused", "Place", "PlanRefused", "Problem", "PullFirst", "QueryInvalid", "QueryTooSlow",
        "RecordInvalid", "SignInNeeded", "SignInRefused", "SiteBroken", "StaleModel", "VersionConflict",
    ),
    "engine.expression": (
        "FALSE", "NULL", "TRUE", "Call", "Expr", "Literal", "Path", "Type", "Var", "conjunction", "disjunction",
        "from_json", "parse", "to_json", "to_text",
    ),
    "engine.fields": ("FieldType", "Locale", "StorageType", "field_types", "register"),
    "engine.hooks": ("Hooks", "hookimpl"),
    "engine.i18n": ("LANGUAGES", "Message", "Text", "add_catalogues", "humanise", "translate"),
    "engine.identity": ("Identity", "Link", "Person", "SignIn", "Token"),
    "engine.ids": ("is_id", "new_id"),
    "engine.metadata.document": ("Document", "dump"),
    "engine.metadata.model": (
        "ACTIONS", "Column", "Entity", "Field", "Form", "FormItem", "MenuItem", "Model", "Option", "Order", "Related",
        "Relation", "Role", "Section", "States", "Tab", "Transition", "View",
    ),
    "engine.publish": ("Plan", "Published", "Publisher", "Revision"),
    "engine.publish.revisions": ("Entry",),
    "engine.scenario": ("Outcome", "ScenarioResult", "run_scenarios"),
    "engine.site.config": ("Limits", "SiteConfig", "read_config"),
    "engine.site.documents": ("Checked", "check_files"),
    "engine.site.folder": ("create_folder", "write_private"),
    "engine.site.pulling": ("Pulled",),
    "engine.site.site": ("Site",),
    "engine.storage.plan_text": ("plan_to_json", "plan_to_text"),
}  # fmt: skip
"""Module -> its public names: what stands above, once more for the running program; a test holds the two together."""

_HOMES = {name: module for module, names in _PLACES.items() for name in names}

__all__ = sorted((*_HOMES, "clock"))  # noqa: PLE0605 - it is a list


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
