"""What a form of one record is made of: its inputs by section, filled with what is stored, given or posted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from markupsafe import Markup

from engine import (
    BadValue,
    Entity,
    EntityScope,
    Field,
    FieldProblem,
    Form,
    Locale,
    Order,
    Query,
    Reader,
    Section,
    compile_python,
    is_id,
    paths,
)
from ui.asking import language
from ui.frame import said
from ui.pages.child_rows import Stored as Row
from ui.pages.child_rows import child_fields, rows_of, shown_fields
from ui.pages.titles import Titles, candidates
from ui.pages.typed import as_typed, is_again
from ui.widgets import conditions
from ui.widgets.facts import only_value
from ui.widgets.inputs import Input, kept, kind_of, make, only_shown
from ui.widgets.inputs import Row as InputRow
from ui.widgets.paths import linked_titles
from ui.widgets.posted import Uploads
from ui.widgets.working import live_fields

MOST_ROWS = 10_000
REFUSED = frozenset({"denied", "transition"})
"""Codes of problems that the rights have with a value."""


@dataclass(frozen=True, slots=True)
class Block:
    """One section of a form, ready for its template."""

    key: str
    label: str
    columns: int
    inputs: Sequence[Input]
    when: str = ""
    """Condition under which it is seen, for the browser."""
    off: bool = False
    """As things stand it is not to be seen."""
    tab: str = ""
    """Key of the tab that it stands on."""

    @property
    def wrong(self) -> int:
        """How many of its inputs have something wrong with them."""
        return sum(bool(each.problems or any(_row_wrong(row) for row in each.rows)) for each in self.inputs)

    @property
    def alone(self) -> bool:
        """Say whether it holds one input that is called like it, so that its name need not be seen twice."""
        return len(self.inputs) == 1 and self.inputs[0].label == self.label


def _row_wrong(row: InputRow) -> bool:
    return bool(row.problems) or any(each.problems for each in row.inputs)


@dataclass(frozen=True, slots=True)
class TabOfForm:
    """One tab of a form that has several, or one step of a form in steps."""

    key: str
    label: str
    wrong: int = 0
    """How many of its inputs have something wrong with them."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong with an input, and where that is."""

    place: str
    """Id of the element on the page."""
    label: str
    words: str


@dataclass(frozen=True, slots=True)
class Editing:
    """A form of one entity as somebody may fill it in."""

    entity: Entity
    form: Form
    fields: Mapping[str, Field]
    """Fields that they may write, by key, in the order of the form."""
    creating: bool = False


@dataclass(slots=True)
class Filling:
    """What a form is filled with."""

    values: dict[str, Any] = field(default_factory=dict)
    """Python values by dotted path: stored ones, defaults, given ones."""
    titles: dict[str, str] = field(default_factory=dict)
    """Field -> title of the record that its link leads to."""
    rows: dict[str, list[Row]] = field(default_factory=dict)
    """Table field -> its stored rows."""
    given: frozenset[str] = frozenset()
    """Fields whose values came with the address."""
    record_id: str = ""
    uploads: Uploads = field(default_factory=dict)
    """Files that were sent with a form that is shown again."""
    typed: Mapping[str, Any] = field(default_factory=dict)
    """What a form that is shown again asks for, by field key."""

    def now(self) -> Mapping[str, Any]:
        """Return the values as they would be with what was typed; what lies beyond a changed link is not known."""
        if not self.typed:
            return self.values
        values = {path: value for path, value in self.values.items() if path.partition(".")[0] not in self.typed}
        return {**values, **{key: value for key, value in self.typed.items() if not isinstance(value, Mapping)}}


def editing(reader: Reader, entity: Entity, action: str) -> Editing:
    """Return the form of an entity with the fields that who reads may write when they create or update."""
    form = reader.model.form(entity.key)
    mask, writable = reader.access.mask(entity.key), reader.access.writable(entity.key)
    found: dict[str, Field] = {}
    for section in _sections(form):
        for item in section.items:
            each = entity.fields[item.field]
            # Child rows have rights of their own, which each of their fields is asked about.
            may = each.key in writable or (each.type.links == "children" and mask.get(each.key) == "write")
            if each.writable and not each.read_only and not each.hidden and may:
                found[each.key] = each
    if action == "create":
        if entity.parent_field is not None:
            found = {entity.parent_field: entity.fields[entity.parent_field], **found}
        # What a new record cannot do without is asked for, even where the form leaves it out.
        for each in entity.fields.values():
            known = each.default is not None or each.default_expr is not None
            if each.required and each.writable and not each.system and not known and each.key in writable:
                found.setdefault(each.key, each)
    return Editing(entity, form, found, action == "create")


def _sections(form: Form) -> Iterator[Section]:
    for tab in form.tabs:
        yield from tab.sections


# --- what it is filled with


def stored(reader: Reader, form: Editing, record_id: str, *, trashed: bool = False) -> tuple[Filling, int, bool]:
    """Return (what is stored of a record, its version, whether who reads may change it).

    Raises:
        NotFound: there is no such record, or who reads may not see it.
    """
    entity = form.entity
    links = {
        key: ".".join(path)
        for key, each in form.fields.items()
        if kind_of(each) == "link" and (path := linked_titles(reader.model, each, (key,))) is not None
    }
    mask = reader.access.mask(entity.key)
    shown = [item.field for section in _sections(form.form) for item in section.items]
    select: dict[str, None] = {entity.title: None}
    for key in (*form.fields, *shown):
        if entity.fields[key].type.links != "children" and mask.get(key, "hidden") != "hidden":
            select[key] = None
    for key in shown:
        if (
            key not in form.fields
            and mask.get(key, "hidden") != "hidden"
            and entity.fields[key].type.links != "children"
        ):
            select.update(dict.fromkeys(only_value(reader, entity.fields[key], Locale()).paths))
    select.update(dict.fromkeys(path for key, path in links.items() if mask.get(key) in {"read", "write"}))
    select.update(dict.fromkeys(conditions.wanted_paths(reader, entity, _exprs(form))))
    row = reader.record(entity.key, record_id, tuple(select), abilities=("update",), trashed=trashed)
    values = row.values()
    filling = Filling(values, {key: _words(values.get(path)) for key, path in links.items()}, record_id=record_id)
    for key, each in form.fields.items():
        if each.type.links == "children":
            filling.rows[key] = stored_rows(reader, entity, each, record_id)
            values[key] = [row.values for row in filling.rows[key]]
    return filling, row.version, row.may("update")


def stored_rows(reader: Reader, entity: Entity, table: Field, record_id: str) -> list[Row]:
    """Return the child rows of a record in their order, with the titles of what they link to."""
    child = reader.model.entity(table.target or "")
    fields = [each for each in child_fields(reader, table) if each.type.links != "children"]
    worked_out = [each.key for each in shown_fields(reader, table)]
    links = {
        each.key: ".".join(path)
        for each in fields
        if kind_of(each) == "link" and (path := linked_titles(reader.model, each, (each.key,))) is not None
    }
    select = tuple(dict.fromkeys((*(each.key for each in fields), *worked_out, *links.values())))
    found = reader.related(
        entity.key,
        record_id,
        table.key,
        Query(child.key, select=select, order_by=child.order or (Order(("id",)),), limit=MOST_ROWS),
    )
    return [
        Row(id_, values, {key: _words(values.get(path)) for key, path in links.items()})
        for id_, values in zip(found.ids, found.dicts(), strict=True)
    ]


def _words(title: Any) -> str:
    return "" if title is None else str(title)


def _exprs(form: Editing) -> list[Any]:
    return conditions.of_form(form.form, form.entity, form.fields)


def blank(reader: Reader, form: Editing, given: Mapping[str, str], locale: Locale) -> Filling:
    """Return what a new record begins with: defaults as far as they are known, and what the address says.

    `given` are texts by field, as in a form; what a field does not take is left out.
    """
    entity = form.entity
    filling = Filling({key: None for key in (*form.fields, *entity.fields) if entity.fields[key].storage is not None})
    values = filling.values
    taken = set()
    for key, text in given.items():
        each = form.fields.get(key)
        if each is None or not text or each.type.links == "children" or kind_of(each) in {"file", "files", "secret"}:
            continue
        try:
            value = each.type.read(text, each.options, locale)
        except BadValue:
            continue
        if value is not None:
            values[key] = value
            taken.add(key)
    for key, each in entity.fields.items():
        if key not in taken and each.default is not None:
            values[key] = each.default
    if entity.owned and "owner" not in taken:
        values["owner"] = reader.principal.id
    _work_out(reader, entity, values, taken)
    filling.given = frozenset(taken)
    return filling


def _work_out(reader: Reader, entity: Entity, values: dict[str, Any], taken: Iterable[str]) -> None:
    """Put in the defaults that are expressions over what is known already."""
    scope = EntityScope(reader.model, entity.key)
    for key in entity.defaults:
        each = entity.fields[key]
        if key in taken or each.default_expr is None:
            continue
        if not all(len(path) == 1 and path[0] in values for path in paths(each.default_expr)):
            continue
        value = compile_python(each.default_expr, scope)(values, reader.access.env())
        try:
            values[key] = each.type.parse(value, each.options) if value is not None else None
        except BadValue:
            continue


# --- inputs


def blocks(
    reader: Reader,
    form: Editing,
    filling: Filling,
    locale: Locale,
    problems: Sequence[FieldProblem] = (),
) -> list[Block]:
    """Return the sections of a form with their inputs: as posted when a form was posted, else as it is filled."""
    titles = _titles(reader, form, filling)
    maker = _Maker(reader, form, filling, locale, problems, titles)
    shown: list[Block] = []
    done: set[str] = set()
    for tab, section in ((one.key, section) for one in form.form.tabs for section in one.sections):
        keys = [item.field for item in section.items]
        inputs = [made for key in keys if (made := maker.input(key)) is not None]
        done.update(keys)
        if inputs and any(each.kind != "shown" for each in inputs):
            expr = section.visible_when
            shown.append(
                Block(
                    section.key,
                    said(section.label) if section.label else "",
                    section.columns,
                    inputs,
                    conditions.for_browser(reader.model, form.entity.key, expr) if expr is not None else "",
                    expr is not None and maker.holds(expr) is False,
                    tab,
                )
            )
    rest = [made for key in form.fields if key not in done and (made := maker.input(key)) is not None]
    if rest:
        shown.insert(0, Block("first", "", 2, rest, tab=shown[0].tab if shown else ""))
    return shown


def tabs_of(form: Editing, shown: Sequence[Block]) -> list[TabOfForm]:
    """Return the tabs of a form on which there is something to fill in; none where there is but one."""
    there = {each.tab for each in shown}
    found = [
        TabOfForm(tab.key, said(tab.label), sum(each.wrong for each in shown if each.tab == tab.key))
        for tab in form.form.tabs
        if tab.key in there
    ]
    return found if len(found) > 1 else []


def wrongs(shown: Sequence[Block]) -> list[Wrong]:
    """Return what is wrong with the inputs of a form, in their order, to be led to from above."""
    found: list[Wrong] = []
    for each in (one for block in shown for one in block.inputs):
        found += [Wrong(f"f-{each.name}", each.label, words) for words in each.problems]
        for place, row in enumerate(each.rows):
            label = f"{each.label} {place + 1}"
            found += [Wrong(f"f-{row.inputs[0].name}", label, words) for words in row.problems if row.inputs]
            found += [
                Wrong(f"f-{one.name}", f"{label} · {one.label}", words) for one in row.inputs for words in one.problems
            ]
    return found


def _titles(reader: Reader, form: Editing, filling: Filling) -> Titles:
    """Return the names of all that the inputs lead to, with one statement for each entity."""
    found = Titles(reader)
    for key, each in form.fields.items():
        kind, value = kind_of(each), filling.values.get(key)
        if kind == "link" and not filling.titles.get(key):
            found.want(each.target, [value])
        elif kind == "rows":
            for inner in child_fields(reader, each):
                for row in filling.rows.get(key, ()):
                    found.want_of(inner, row.values.get(inner.key))
        else:
            found.want_of(each, value)
        if kind == "links":
            found.want(each.target, as_typed().getlist(key))
    for ids in filling.uploads.values():
        found.want("file", ids)
    for name in as_typed():
        if name.startswith("keep-"):
            found.want("file", as_typed().getlist(name))
    return found


@dataclass(slots=True)
class _Maker:
    """Makes the inputs of one form."""

    reader: Reader
    form: Editing
    filling: Filling
    locale: Locale
    problems: Sequence[FieldProblem]
    titles: Titles

    def holds(self, expr: Any) -> bool | None:
        """Say whether a condition holds with what was typed."""
        filling = self.filling
        return conditions.holds(self.reader, self.form.entity.key, expr, filling.now(), filling.record_id)

    def locked(self, expr: Any) -> bool:
        """Say whether a field is locked, which is a matter of what is stored."""
        filling = self.filling
        return bool(conditions.holds(self.reader, self.form.entity.key, expr, filling.values, filling.record_id))

    def input(self, key: str) -> Input | None:
        """Return the input of a field, or its value where it is only shown; None where it is not even that."""
        each = self.form.entity.fields[key]
        if key not in self.form.fields:
            return self._shown(each)
        if not self.form.creating and each.read_only_when is not None and self.locked(each.read_only_when):
            return self._shown(each)
        made = self._made(each)
        if each.visible_when is not None and self.holds(each.visible_when) is False:
            made = replace(made, off=True)
        if self.form.creating and "read-only" in made.when:
            # Only what is stored already can be locked.
            made = replace(made, when={name: tree for name, tree in made.when.items() if name != "read-only"})
        if each.required_when is not None and self.holds(each.required_when):
            made = replace(made, required=True)
        return made

    def _shown(self, each: Field) -> Input | None:
        masked = self.reader.access.mask(each.entity).get(each.key, "hidden")
        if masked == "hidden" or each.hidden or each.type.links == "children":
            return None
        if self.form.creating:
            # What is worked out live has something to say before the record is there.
            live = each.key in live_fields(self.reader, self.form.entity)
            return only_shown(each, Markup(""), self.locale.language) if live else None
        value = only_value(self.reader, each, self.locale).html(self.reader, self.filling.values)
        return only_shown(each, value, self.locale.language)

    def _made(self, each: Field) -> Input:
        key, filling = each.key, self.filling
        value = filling.values.get(key)
        made = make(
            self.reader,
            each,
            value,
            self.locale,
            title=filling.titles.get(key) or self.titles.of(each, value),
            titles=self.titles.all(each),
            record_id=filling.record_id,
        )
        states = self.form.entity.states
        if states is not None and states.field == key:
            made = replace(made, options=_reachable(self.reader, self.form, each, value, made.options))
        if key in filling.given:
            made = replace(made, was="")
        wrong = [problem.message.in_(language()) for problem in self.problems if problem.path == key]
        if made.kind == "rows":
            return rows_of(
                self.reader,
                made,
                each,
                filling.rows.get(key, ()),
                self.locale,
                self.problems,
                self.titles,
                filling.uploads,
            )
        if not is_again():
            return made
        made = replace(kept(made, as_typed(), wrong), why=self._why(key))
        return again(self.reader, each, made, self.titles, filling.uploads, wrong=bool(wrong))

    def _why(self, key: str) -> str:
        """Return where it is told why the rights refuse a value; "" when they do not."""
        refused = {problem.code for problem in self.problems if problem.path == key} & REFUSED
        if not refused or not self.filling.record_id:
            return ""
        return f"/{self.form.entity.key}/{self.filling.record_id}/why?action=update&field={key}"


def again(reader: Reader, each: Field, made: Input, titles: Titles, uploads: Uploads, *, wrong: bool) -> Input:
    """Return an input that was posted with the files and links that were chosen, by name."""
    posted = as_typed()
    if made.kind in {"file", "files"} and f"was-{made.name}" in posted:
        ids = [*posted.getlist(f"keep-{made.name}"), *uploads.get(made.name, ())]
        ids = list(dict.fromkeys(filter(is_id, ids)))
        ids = ids if made.kind == "files" else ids[-1:]
        return replace(made, value=ids, options=[(id_, titles.named("file", id_)) for id_ in ids])
    if made.kind == "links" and f"was-{made.name}" in posted:
        ids = [id_ for id_ in posted.getlist(made.name) if is_id(id_)]
        made = replace(
            made,
            value=ids,
            options=[(id_, titles.named(each.target or "", id_)) for id_ in ids],
            typed=posted.get(f"add-{made.name}", ""),
        )
    if wrong and made.kind in {"link", "links", "any"}:
        typed = made.typed if made.kind == "links" else made.title
        entity = posted.get(f"kind-{made.name}", "") if made.kind == "any" else each.target or ""
        return replace(made, candidates=candidates(reader, each, entity, typed.strip()))
    return made


def _reachable(
    reader: Reader, form: Editing, each: Field, now: Any, options: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return the states that a person may choose: those where records start; later those that a transition leads to."""
    states = form.entity.states
    if states is None:
        return list(options)
    if form.creating:
        reached = {transition.to for transition in states.transitions.values()}
        allowed = {each.default} if each.default is not None else {key for key in each.choices if key not in reached}
        return [(key, label) for key, label in options if key in allowed] or list(options)
    allowed = {now}
    for transition in states.transitions.values():
        if (not transition.sources or now in transition.sources) and reader.access.may_make(transition):
            allowed.add(transition.to)
    return [(key, label) for key, label in options if key in allowed]


# --- words


def unplaced(form: Editing, problems: Sequence[FieldProblem]) -> list[str]:
    """Return what is wrong that no input of the form can show beside itself."""
    spoken = language()
    found = []
    for problem in problems:
        key, _, rest = problem.path.partition("/")
        if key in form.fields and (not rest or form.fields[key].type.links == "children"):
            continue
        each = form.entity.fields.get(key)
        words = problem.message.in_(spoken)
        label = each.label.in_(spoken) if each is not None else ""
        found.append(words if not label or label in words else f"{label}: {words}")
    return list(dict.fromkeys(found))


def said_title(values: Mapping[str, Any], entity: Entity, locale: Locale) -> str:
    """Return what names a record, in words."""
    each = entity.fields[entity.title]
    value = values.get(entity.title)
    if value is None:
        return "—"
    return str(value) if each.type.links else each.type.displayer(each.options, locale)(value)
