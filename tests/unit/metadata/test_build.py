"""The Model: what documents say together, with every name resolved and every default filled in."""

# ruff: noqa: E501 - documents and messages stand here as people see them

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DocumentsInvalid
from engine.expression import Call, Path, Type, check, parse
from engine.fields import StorageType
from engine.metadata import (
    EntityScope,
    Model,
    Order,
    Rollup,
    build_model,
    check_documents,
    layer_of,
    read_body,
    shipped_layers,
)
from engine.metadata.relations import plural_key
from tests.metadata.clinic import CLINIC, CORE, layer, layers, model, said


@pytest.fixture(scope="module")
def clinic() -> Model:
    return model(CLINIC)


def test_the_clinic_builds_without_a_warning(clinic: Model) -> None:
    assert said(CLINIC) == []
    assert list(clinic.entities) == ["user", "account", "contact", "visit", "visit_item"]
    assert clinic.warnings == ()


def test_every_entity_has_its_table_and_system_fields(clinic: Model) -> None:
    visit, item = clinic.entities["visit"], clinic.entities["visit_item"]

    assert (visit.table, clinic.entities["contact"].table) == ("s_visit", "core_contact")
    assert list(visit.fields)[:10] == [
        "id", "version", "created_at", "created_by", "updated_at", "updated_by", "deleted_at", "origin",
        "external_id", "owner",
    ]  # fmt: skip
    assert "owner" not in item.fields
    assert visit.fields["external_id"].unique
    assert visit.fields["external_id"].writable
    assert not visit.fields["version"].writable
    assert visit.fields["created_by"].target == "user"
    assert visit.fields["id"].storage == StorageType("uuid")


def test_fields_have_their_types_targets_and_labels(clinic: Model) -> None:
    fields = clinic.entities["visit"].fields

    assert (fields["fee"].value_type, fields["fee"].scale, fields["fee"].storage) == (
        Type.NUMBER, 2, StorageType("decimal", 2),
    )  # fmt: skip
    assert (fields["patient"].value_type, fields["patient"].target, fields["patient"].on_delete) == (
        Type.LINK, "contact", "restrict",
    )  # fmt: skip
    assert fields["stage"].default == "booked"
    assert [fields["stage"].choices[key].label.in_("zh") for key in ("booked", "seen")] == ["已约", "Seen"]
    assert str(fields["patient"].label) == "Patient"
    assert fields["on_date"].default_expr is not None
    assert clinic.entities["visit"].defaults == ("on_date",)
    assert fields["fee"].options["currency"] == "CNY"


def test_child_rows_are_linked_both_ways(clinic: Model) -> None:
    visit, item = clinic.entities["visit"], clinic.entities["visit_item"]

    assert (item.parent, item.parent_field) == ("visit", "visit")
    assert (item.fields["visit"].target, item.fields["visit"].required, item.fields["visit"].on_delete) == (
        "visit", True, "cascade",
    )  # fmt: skip
    assert (visit.fields["items"].target, visit.fields["items"].link, visit.fields["items"].storage) == (
        "visit_item", "visit", None,
    )  # fmt: skip
    assert visit.relations["items"].kind == "children"


def test_values_that_are_worked_out_take_over_the_type_of_what_they_show(clinic: Model) -> None:
    total = clinic.entities["visit"].fields["total"]
    phone = clinic.entities["visit_item"].fields["phone"]
    overdue = clinic.entities["visit"].fields["overdue"]

    assert total.rollup == Rollup("items", "visit_item", "visit", "sum", "amount", None)
    assert (total.value_type, total.scale, total.storage, total.stored) == (
        Type.NUMBER,
        2,
        StorageType("decimal", 2),
        True,
    )
    assert phone.expr == Path(("visit", "patient", "mobile"))
    assert (phone.value_type, phone.storage, phone.stored, phone.shows) == (
        Type.TEXT,
        None,
        False,
        ("contact", "mobile"),
    )
    assert phone.options["result"] == "phone"
    assert isinstance(overdue.expr, Call)
    assert (overdue.value_type, overdue.stored) == (Type.BOOLEAN, False)


def test_states_checks_and_unique_rules_are_resolved(clinic: Model) -> None:
    visit = clinic.entities["visit"]

    assert visit.states is not None
    assert (visit.states.field, list(visit.states.transitions)) == ("stage", ["see", "miss"])
    assert visit.states.transitions["see"].roles == ("nurse",)
    assert visit.states.transitions["see"].sources == ("booked",)
    assert visit.checks["fee_when_seen"].at == "fee"
    assert visit.checks["fee_when_seen"].message.in_("zh") == "已就诊须填写费用"
    assert visit.unique["one_a_day"].fields == ("patient", "on_date")


def test_roles_views_and_forms_are_there(clinic: Model) -> None:
    grant = clinic.roles["nurse"].grants["visit"]
    view = clinic.views["visit.today"]

    assert grant.actions == {"read": ("own", "team", "shared"), "create": ("all",), "update": ("own",), "delete": ()}
    assert grant.fields == {"fee": "read", "id_card": "hidden"}
    assert view.order == (Order(("on_date",)), Order(("fee",), descending=True))
    assert view.kanban == {"by": "stage", "sum": "fee"}
    assert view.columns["stage"].widget == "badge"
    assert clinic.default_view("visit") is view
    assert clinic.default_view("contact").derived


def test_a_new_entity_has_screens_at_once(clinic: Model) -> None:
    view, form = clinic.views["contact.all"], clinic.form("contact")

    assert list(view.columns) == ["name", "account", "mobile", "email", "owner", "updated_at"]
    assert view.order == (Order(("updated_at",), descending=True),)
    assert view.derived
    assert form.derived
    shown = [item.field for tab in form.tabs for section in tab.sections for item in section.items]
    assert set(shown) == {"owner", "name", "mobile", "email", "account"}
    assert [each.relation for tab in form.tabs for each in tab.related] == ["visits"]


def test_a_derived_view_has_at_most_seven_columns_and_shows_the_state() -> None:
    fields = "".join(f"  f{n}: {{type: text, search: low}}\n" for n in range(20))
    made = model(
        "entity: a\ntitle: f0\nfeatures: [owned]\nfields:\n" + fields
        + "  s: {type: select, options: {x: , y: }}\n  secret: {type: secret}\n  gone: {type: text, hidden: true}\n"
        + "states: {field: s, transitions: {go: {from: x, to: y}}}\n"
    )  # fmt: skip

    assert list(made.views["a.all"].columns) == ["f0", "f1", "f2", "f3", "s", "owner", "updated_at"]
    shown = [item.field for tab in made.form("a").tabs for section in tab.sections for item in section.items]
    assert "gone" not in shown
    assert {"f19", "secret", "s"} <= set(shown)


def test_a_form_shows_what_its_document_names_and_no_more() -> None:
    made = model(
        CLINIC,
        "form: visit.default\nentity: visit\ntabs: {main: {sections: {a: {rows: [[subject, patient], fee]}}}}\n",
        """
form: visit.default
tabs:
  main:
    sections:
      a: {fields: {stage: {after: subject}, patient: {hidden: true}, fee: {widget: big}, on_date: {row: 1, column: 1}}}
      b: {columns: 1, rows: [items], visible_when: "stage == 'seen'", after: a}
""",
    )
    (tab,) = made.form("visit").tabs

    assert [section.key for section in tab.sections] == ["a", "b"]
    assert [(item.field, item.row, item.widget) for item in tab.sections[0].items] == [
        ("on_date", 1, ""), ("subject", 1, ""), ("stage", 2, ""), ("fee", 3, "big"),
    ]  # fmt: skip
    assert tab.sections[1].visible_when is not None


def test_relations_have_the_names_that_people_expect() -> None:
    made = model(
        """
entity: trip
title: name
fields:
  name: {type: text}
  guest: {type: lookup, to: contact}
  guide: {type: lookup, to: contact}
  about: {type: any_lookup, to: [account, contact]}
  friends: {type: lookups, to: contact}
  boss: {type: user}
---
entity: stop
parent: trip
fields: {name: {type: text}}
---
entity: reply
fields: {name: {type: text}, reply: {type: lookup, to: reply}, contacts: {type: lookups, to: contact}}
"""
    )

    def names(entity: str) -> dict[str, tuple[str, str, str]]:
        return {key: (each.entity, each.field, each.kind) for key, each in made.entities[entity].relations.items()}

    assert names("contact") == {
        "trips": ("trip", "guest", "lookup"),
        "trip_by_guide": ("trip", "guide", "lookup"),
        "trip_by_about": ("trip", "about", "any"),
        "trip_by_friends": ("trip", "friends", "lookups"),
        "replies": ("reply", "contacts", "lookups"),
    }
    assert names("trip") == {"stops": ("stop", "trip", "children")}
    assert names("reply") == {"replies": ("reply", "reply", "lookup")}
    assert names("account")["contacts"] == ("contact", "account", "lookup")
    assert str(made.entities["contact"].relations["trip_by_guide"].label) == "Trips (Guide)"


@pytest.mark.parametrize(
    ("key", "many"),
    [("contact", "contacts"), ("activity", "activities"), ("box", "boxes"), ("day", "days"), ("address", "addresses"),
     ("branch", "branches"), ("case", "cases"), ("visit_item", "visit_items")],
)  # fmt: skip
def test_a_key_has_a_plural(key: str, many: str) -> None:
    assert plural_key(key) == many


def test_stored_formulas_come_in_order_of_dependency() -> None:
    made = model(
        """
entity: a
fields:
  name: {type: text}
  d: {type: formula, result: number, stored: true, expr: c + b}
  c: {type: formula, result: number, stored: true, expr: b * 2}
  v: {type: formula, result: number, expr: n + 1}
  b: {type: formula, result: number, stored: true, expr: v + 1}
  n: {type: number, default_expr: "m + 1"}
  m: {type: number, default_expr: "k + 1"}
  k: {type: number, default: "1.50"}
"""
    )

    assert made.entities["a"].formulas == ("b", "c", "d")
    assert made.entities["a"].defaults == ("m", "n")
    assert made.entities["a"].fields["k"].default == Decimal("1.50")


def test_values_along_links_and_over_relations_are_typed() -> None:
    made = model(
        CLINIC + "---\nentity: bill\ntitle: no\nfields:\n"
        "  no: {type: autonumber}\n"
        "  visit: {type: lookup, to: visit}\n"
        "  industry: {type: reference, of: visit.patient.account, field: industry}\n"
        "  late: {type: reference, of: visit, field: overdue}\n"
        "  who: {type: reference, of: visit.patient, field: account}\n"
        "  when: {type: reference, of: visit, field: created_at}\n"
        "  big: {type: formula, result: boolean, expr: \"visit.total > 100 and industry == 'it' and late\"}\n"
    )  # fmt: skip
    fields = made.entities["bill"].fields

    assert (fields["industry"].value_type, list(fields["industry"].choices)) == (Type.TEXT, ["it", "health", "other"])
    assert fields["late"].value_type is Type.BOOLEAN
    assert (fields["who"].value_type, fields["who"].target) == (Type.LINK, "account")
    assert fields["when"].value_type is Type.DATETIME
    assert fields["no"].value_type is Type.TEXT


def test_rollups_of_every_function() -> None:
    made = model(
        """
entity: shop
fields:
  name: {type: text}
  n: {type: rollup, of: sales, count: true}
  filled: {type: rollup, of: sales, count: note}
  sum: {type: rollup, of: sales, sum: qty, where: "note == 'x'"}
  mean: {type: rollup, of: sales, avg: qty}
  first: {type: rollup, of: sales, first: on}
  last: {type: rollup, of: sales, max: created_at}
---
entity: sale
title: note
fields: {note: {type: text}, qty: {type: integer}, on: {type: date}, shop: {type: lookup, to: shop}}
"""
    )
    fields = made.entities["shop"].fields

    assert [(each.key, each.value_type, each.scale) for each in fields.values() if each.rollup] == [
        ("n", Type.NUMBER, 0), ("filled", Type.NUMBER, 0), ("sum", Type.NUMBER, 0), ("mean", Type.NUMBER, 2),
        ("first", Type.DATE, None), ("last", Type.DATETIME, None),
    ]  # fmt: skip
    assert fields["sum"].rollup is not None
    assert fields["sum"].rollup.where is not None
    assert fields["mean"].storage == StorageType("decimal", 2)


def test_a_scope_knows_fields_relations_and_what_is_around(clinic: Model) -> None:
    scope = EntityScope(clinic, "visit")

    assert check(parse("any(items, amount > 1) and patient.name == 'x' and owner == user.id"), scope).problems == ()
    assert check(parse("old.stage == 'booked' and stage != old.stage and created_at < now"), scope).problems == ()
    assert check(parse("in_subtree(patient.account, patient.account.parent)"), scope).problems == ()
    assert check(parse("in_subtree(owner, user.id)"), scope).problems == ()
    assert check(parse("old.stage == 'x'"), EntityScope(clinic, "visit", old=False)).problems != ()
    assert check(parse("patient.nothing"), scope).problems != ()


def test_a_lookup_may_ask_what_the_record_says() -> None:
    text = "entity: d\nfields: {name: {type: text}, a: {type: lookup, to: account}, c: {type: lookup, to: contact, where: %s}}\n"

    assert said(text % "account == record.a and owner == user.id") == []
    assert said(text % "account == record.nam") == [
        "site.yaml:2:111: There is no record.nam here (did you mean record.name?)"
    ]


def test_a_state_machine_may_be_in_a_pack_and_its_roles_in_the_site() -> None:
    pack = "entity: a\nfields: {name: {type: text}, s: {type: select, options: {x: , y: }}}\nstates: {field: s}\n"
    site = (
        "entity: a\nstates: {transitions: {x_go: {to: y, roles: boss}}}\n---\nrole: boss\ngrants: {'*': {read: all}}\n"
    )

    states = model(pack, site).entities["a"].states

    assert states is not None
    assert states.transitions["x_go"].roles == ("boss",)


def test_labels_come_from_translations_too() -> None:
    made = model(
        CLINIC,
        """
translation: ja
labels:
  visit.label: 診察
  visit.fields.subject.label: 件名
  visit.fields.stage.options.booked.label: 予約済み
  visit.checks.fee_when_seen.message: 費用が必要です
  view/visit.today/title: 今日の診察
  role/nurse/label: 看護師
""",
    )
    visit = made.entities["visit"]

    assert visit.label.in_("ja") == "診察"
    assert visit.label.in_("zh") == "就诊"
    assert visit.fields["subject"].label.in_("ja") == "件名"
    assert visit.fields["stage"].choices["booked"].label.in_("ja") == "予約済み"
    assert visit.checks["fee_when_seen"].message.in_("ja") == "費用が必要です"
    assert made.views["visit.today"].title.in_("ja") == "今日の診察"
    assert made.roles["nurse"].label.in_("ja") == "看護師"


def test_renames_are_kept_for_the_storage() -> None:
    made = model("entity: a\nrenamed_from: b\nfields: {name: {type: text, renamed_from: title}}\n")

    assert made.entities["a"].renamed_from == "b"
    assert made.entities["a"].fields["name"].renamed_from == "title"


def test_menus_lead_where_they_say() -> None:
    made = model(
        CLINIC,
        "menu: main\nitems: {care: {label: {zh: 诊疗}, items: {visits: {view: visit.today}, people: {entity: contact}}}}\n",
        "menu: main\nitems: {mine: {url: /x, after: care}, care: {items: {people: null}}}\n",
    )

    care, mine = made.menus["main"]
    assert [(each.key, each.entity, each.view) for each in care.items] == [("visits", "visit", "visit.today")]
    assert mine.url == "/x"


def test_equal_documents_have_equal_checksums_and_others_do_not() -> None:
    assert model(CLINIC).checksum == model(CLINIC).checksum
    assert model(CLINIC).checksum != model(CLINIC.replace("zh: 就诊", "zh: 门诊")).checksum


def test_errors_are_raised_all_at_once() -> None:
    with pytest.raises(DocumentsInvalid) as refused:
        model(CLINIC.replace("type: rollup", "type: rolup").replace("to: contact", "to: contct"))

    assert [str(each) for each in refused.value.problems] == [
        "site.yaml:8:31: there is no entity 'contct' (did you mean 'contact'?)",
        "site.yaml:14:19: unknown field type 'rolup' (did you mean 'rollup'?)",
    ]


def test_warnings_stop_nothing() -> None:
    made = model(CLINIC.replace("columns: {subject: {}", "columns: {subjct: {}"))

    assert list(made.views["visit.today"].columns) == ["patient", "stage", "fee"]
    assert [each.severity for each in made.warnings] == ["warning"]


def test_the_shipped_packs_build_without_a_warning() -> None:
    assert check_documents(shipped_layers(["crm"])) == ()


def test_a_pack_that_does_not_exist_is_a_problem() -> None:
    assert [str(each) for each in check_documents(shipped_layers(["crn"]))] == [
        "guanxi.yaml:1:1: there is no pack 'crn' (did you mean 'crm'?)"
    ]


def test_the_site_of_no_documents_is_fine() -> None:
    assert build_model(layers("")).entities.keys() == {"user", "account", "contact"}
    assert build_model([]).entities == {}


BODIES = [dict(document.body) for text in (CORE, CLINIC) for document in layer(text).documents]
JUNK: list[Any] = [
    None, True, 1, -3, 1.5, "", "x", "a b", "amount", "stage", "visit", "today", "-x", "user.id", [], ["a"], [["a"]], {},
    {"a": None}, {"type": "text"}, {"a": {"b": {}}}, [1, {}], "x" * 3_000, {"type": "lookup", "to": "visit"},
    {"type": "formula", "result": "number", "expr": "fee + 1"}, {"type": "rollup", "of": "items", "sum": "total"},
    {"type": "reference", "of": "visit.patient", "field": "visits"}, {"type": "table", "of": "visit"},
]  # fmt: skip


@st.composite
def spoilt_site(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Documents as somebody may write them who is tired: parts missing, wrong, or in the wrong place."""
    bodies = []
    for body in draw(st.lists(st.sampled_from(BODIES), min_size=1, max_size=5)):
        spoilt = copy.deepcopy(body)
        for _ in range(draw(st.integers(1, 3))):
            around: Any = spoilt
            while True:
                keys = list(around) if isinstance(around, dict) else range(len(around))
                key = draw(st.sampled_from(keys))
                inner = around[key]
                if not isinstance(inner, (dict, list)) or not inner or draw(st.integers(0, 3)) == 0:
                    break
                around = inner
            around[key] = copy.deepcopy(draw(st.sampled_from(JUNK)))
            if isinstance(around, dict) and draw(st.booleans()):
                around[draw(st.sampled_from(["x_a", "after", "parent", "where", "fields", "options"]))] = copy.deepcopy(
                    draw(st.sampled_from(JUNK))
                )
        bodies.append(spoilt)
    return bodies


@given(spoilt_site(), st.booleans())
def test_no_documents_make_anything_but_problems_or_a_model(bodies: list[dict[str, Any]], patches: bool) -> None:
    read = [read_body(body, "site") for body in bodies]
    site = layer_of("site", "site", [document for document, _ in read if document is not None])
    given_layers = [layer(CORE, "core", "core"), *([layer(CLINIC, "a", "pack")] if patches else []), site]

    found = check_documents(given_layers)

    assert all(str(each) and each.in_("zh") and each.place is not None for each in found)
    if not any(each.severity == "error" for each in found):
        assert build_model(given_layers).entities
