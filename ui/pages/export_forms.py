"""The form of an export: what was filled in, which fields it offers, and what it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from engine import Entity, Field, Reader, is_id
from ui.frame import said, words
from ui.pages.listing import MOST, Listing
from ui.widgets.paths import fields_along, mask_of

FORMATS = ("xlsx", "csv", "jsonl")
_PURPOSES = ("read", "import")
_SCOPES = ("view", "all", "chosen")
_NEVER = frozenset({"version", "deleted_at", "origin"})
_LAST = 10_000
_FILES = frozenset({"file", "files", "image", "signature"})


@dataclass(frozen=True, slots=True)
class ExportForm:
    """What was filled in; at first, what is usual."""

    ids: tuple[str, ...] = ()
    """The ticked records; empty = all that the list has."""
    format: str = "xlsx"
    purpose: str = "read"
    """`read`: for people; `import`: so that an import takes it back."""
    scope: str = "view"
    chosen: Mapping[str, int] = field(default_factory=dict)
    """Path of a chosen field -> its place."""
    headers: str = ""
    """As the purpose says unless given; so are the next two."""
    links: str = ""
    values: str = ""
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    timezone: str = ""
    children: bool = False
    files: bool = False
    about: bool = True
    footer: bool = False
    reason: str = ""
    mails: bool = True


def asked_form(given: MultiDict[str, str], *, about: bool = True) -> ExportForm:
    """Return what was filled in; what was not, is usual. `about`: whether spreadsheets usually say what they are."""
    ids = tuple(dict.fromkeys(each for each in given.getlist("id") if is_id(each)))[:MOST]
    if "format" not in given:
        return ExportForm(ids=ids, about=about)
    chosen = {path: given.get(f"place.{path}", 0, type=int) or _LAST for path in given.getlist("field")}
    return ExportForm(
        ids=ids,
        format=_one_of(given.get("format"), FORMATS),
        purpose=_one_of(given.get("purpose"), _PURPOSES),
        scope=_one_of(given.get("scope"), _SCOPES),
        chosen=chosen,
        headers=given.get("headers", ""),
        links=given.get("links", ""),
        values=given.get("values", ""),
        encoding=given.get("encoding", "utf-8-sig"),
        delimiter={"tab": "\t"}.get(given.get("delimiter", ","), given.get("delimiter", ",")),
        timezone=given.get("timezone", "").strip(),
        children="children" in given,
        files="files" in given,
        about="about" in given,
        footer="footer" in given,
        reason=given.get("reason", "").strip(),
        mails="mails" in given,
    )


def _one_of(given: str | None, known: tuple[str, ...]) -> str:
    return given if given in known else known[0]


def posted_body(reader: Reader, asked: Listing, form: ExportForm) -> dict[str, Any]:
    """Return what the form asks for, as a program would send it."""
    read = form.purpose == "read"
    body: dict[str, Any] = {
        "format": form.format,
        "fields": list(_paths(reader, asked, form)),
        "reason": form.reason,
        "files": form.files,
        "timezone": form.timezone or None,
        "links": form.links or ("titles" if read else None if form.scope == "all" else "both"),
    }
    if form.ids:
        body["ids"] = list(form.ids)
    if asked.query.order_by and not form.ids:
        body["order"] = [f"{'-' if each.descending else ''}{'.'.join(each.path)}" for each in asked.query.order_by]
    if form.format != "jsonl":
        body["headers"] = form.headers or ("labels" if read else "keys")
        body["values"] = form.values or ("people" if read else "exact")
    if form.format == "csv":
        body["encoding"], body["delimiter"] = form.encoding, form.delimiter
        if read and not form.timezone:
            body["timezone"] = reader.principal.timezone
    elif form.children:
        body["children"] = True
    return body


def _paths(reader: Reader, asked: Listing, form: ExportForm) -> Iterator[str]:
    if form.scope == "chosen":
        yield from sorted(form.chosen, key=lambda path: form.chosen[path])
    elif form.scope == "view":
        entity = asked.wanted.entity
        seen = []
        for column in asked.wanted.view.columns.values():
            fields = fields_along(reader.model, entity.key, column.path)
            if not column.hidden and fields and mask_of(reader.access, fields) != "hidden":
                seen.append(".".join(column.path))
        # An import finds records again by what is theirs alone.
        yield from seen if form.purpose == "read" or "id" in seen else ("id", *seen)


def has_files(reader: Reader, entity: Entity) -> bool:
    """Say whether files can hang on records of an entity, or stand in a field that the reader sees."""
    mask = reader.access.mask(entity.key)
    stand = (key for key, each in entity.fields.items() if each.type.name in _FILES)
    return "attachments" in entity.features or any(mask.get(key) in {"read", "write"} for key in stand)


@dataclass(frozen=True, slots=True)
class Choice:
    """A field that can be chosen."""

    path: str
    label: str
    chosen: bool
    place: str


@dataclass(frozen=True, slots=True)
class Group:
    """Fields of the records themselves, or of those that a link leads to."""

    label: str
    choices: tuple[Choice, ...]
    open: bool


def groups_of(reader: Reader, asked: Listing, form: ExportForm) -> list[Group]:
    """Return the fields that somebody may export: those of the records, then those along each link to one record."""
    entity = asked.wanted.entity
    usual = set(_paths(reader, asked, ExportForm(scope="view")))
    shown = form.chosen if form.scope == "chosen" else dict.fromkeys(usual, _LAST)
    own = list(_fields(reader, entity, deep=True))
    groups = [Group(words("Fields"), tuple(_choice(each.key, each, shown) for each in own), open=True)]
    for each in own:
        if each.type.links != "one" or each.target is None or each.expr is not None:
            continue
        if reader.access.mask(entity.key).get(each.key) not in {"read", "write"}:
            continue
        far = reader.model.entity(each.target)
        along = tuple(_choice(f"{each.key}.{other.key}", other, shown) for other in _fields(reader, far, deep=False))
        if along:
            groups.append(Group(said(each.label), along, open=any(choice.chosen for choice in along)))
    return groups


def _choice(path: str, each: Field, shown: Mapping[str, int]) -> Choice:
    place = shown.get(path, _LAST)
    return Choice(path, said(each.label), path in shown, "" if place == _LAST else str(place))


def _fields(reader: Reader, entity: Entity, *, deep: bool) -> Iterator[Field]:
    """Yield the fields of an entity that may be exported; `deep`: those with several records or rows too."""
    masks = reader.access.mask(entity.key)
    # What people filled in first, what the product notes behind it.
    for key, each in sorted(entity.fields.items(), key=lambda known: known[1].system and known[0] != "owner"):
        if masks.get(key, "hidden") == "hidden" or key in _NEVER or each.secret or each.type.name == "secret":
            continue
        if each.type.links in {"", "one"} or deep:
            yield each
