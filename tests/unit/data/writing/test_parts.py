"""Small parts of the write path by themselves."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.batch import Batch, Change, Draft, by_row, changes_of
from engine.data.bulk import read_operations
from engine.data.files import clean_name, content_type
from engine.data.idempotency import request_hash
from engine.data.phrases import POSTGRESQL, SQLITE
from engine.data.principal import SYSTEM
from engine.data.shape import settle
from engine.data.steps.unique import Names
from engine.data.vault import Vault
from engine.errors import FieldProblem, RecordInvalid, SiteBroken
from engine.fields import StorageType, field_types
from engine.i18n import Message, Text
from engine.metadata.model import Entity, Field, Model

VAULT = Vault(b"one")


@given(st.text())
def test_a_sealed_value_opens_in_its_place_only(text: str) -> None:
    sealed = VAULT.seal("person", "id-1", "pin", text)

    assert VAULT.open("person", "id-1", "pin", sealed) == text
    for place in (("person", "id-2", "pin"), ("person", "id-1", "code"), ("people", "id-1", "pin")):
        with pytest.raises(SiteBroken):
            VAULT.open(*place, sealed)
    assert VAULT.seal("person", "id-1", "pin", text) != sealed


@pytest.mark.parametrize("sealed", ["", "v1:", "v1:!!!", "v1:AAAA", "plain text"])
def test_what_was_never_sealed_does_not_open(sealed: str) -> None:
    with pytest.raises(SiteBroken):
        VAULT.open("person", "id-1", "pin", sealed)
    with pytest.raises(SiteBroken):
        Vault(b"two").open("person", "id-1", "pin", VAULT.seal("person", "id-1", "pin", "x"))
    with pytest.raises(SiteBroken):
        Vault(b"")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("letter.pdf", "letter.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\合同.docx", "合同.docx"),
        ("a\0b\n.txt", "ab.txt"),
        ("...", "file"),
        ("", "file"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("文" * 200 + ".docx", "文" * 65 + ".docx"),
        ("x" * 300, "x" * 200),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\u200b\u2066b\ufeff.txt", "ab.txt"),
        ("con.txt", "_con.txt"),
        ("NUL", "_NUL"),
        ("LPT1.tar.gz", "_LPT1.tar.gz"),
        ("console.txt", "console.txt"),
        ('a<b>"c"|d?*.txt', "a_b__c__d__.txt"),
        ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie_ x=1.txt"),
        ("\ud800.txt", "_.txt"),
        ("name. ", "name"),
        (".htaccess", "htaccess"),
    ],
)
def test_a_file_name_is_only_ever_shown(name: str, shown: str) -> None:
    assert clean_name(name) == shown


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (b"%PDF-1.7\n", "x.exe", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 30, "x.txt", "image/png"),
        (b"a,b\n1,2\n", "table.csv", "text/csv"),
        ("只是文字".encode(), "notes", "text/plain"),
        (b"\0\x01\x02\x03", "x.png", "application/octet-stream"),
    ],
)
def test_a_kind_is_what_the_bytes_look_like(head: bytes, name: str, kind: str) -> None:
    assert content_type(head, name) == kind


def test_a_batch_notes_problems_with_the_place_of_a_child_row() -> None:
    entity = Entity("order", Text("Order"), Text("Orders"), "site", "s_order", "name", {})
    parent, child = Draft("1", 4, {}, {}), Draft("2", 4, {}, {}, prefix="items/2/")
    batch = Batch(_model(), entity, "create", SYSTEM, [parent, child])

    batch.reject("1", "name", "Not so")
    batch.refuse(child, "amount", Message("too much"))
    batch.refuse(child, "", Message("wrong"))

    assert [(each.row, each.path) for each in batch.problems] == [(4, "name"), (4, "items/2/amount"), (4, "items/2")]
    assert by_row(batch.problems).keys() == {4}
    with pytest.raises(RecordInvalid):
        batch.drop_failed()
    batch.collect = True
    batch.drop_failed()
    assert len(batch) == 0
    with pytest.raises(KeyError):
        batch.draft("1")
    with pytest.raises(RuntimeError):
        batch.set("1", "name", "x")


def _model() -> Model:
    return Model(1, "", {}, {}, {}, {}, {}, {}, {})


def test_changes_may_be_mappings() -> None:
    assert changes_of([{"id": "a", "version": 2, "x": 1}, Change("b", {"y": 2})]) == [
        Change("a", {"x": 1}, 2),
        Change("b", {"y": 2}),
    ]


def test_operations_are_read_in_every_shape() -> None:
    read = read_operations(
        [
            {"create": {"a": 1}},
            {"update": {"id": "x", "version": 3, "a": 1}},
            {"update": {"id": "x", "values": {"id": "kept"}}},
            {"upsert": {"on": "code", "values": {"a": 1}}},
            {"upsert": {"a": 1}},
            {"delete": "x"},
            {"transition": {"id": "x", "name": "win"}},
        ]
    )

    assert [(each.verb, each.how, each.given) for each in read] == [
        ("create", "", {"a": 1}),
        ("update", "", Change("x", {"a": 1}, 3)),
        ("update", "", Change("x", {"id": "kept"})),
        ("upsert", "code", {"a": 1}),
        ("upsert", "external_id", {"a": 1}),
        ("delete", "", Change("x", {})),
        ("transition", "win", Change("x", {})),
    ]


def test_equal_requests_have_equal_hashes_whatever_the_order_of_their_keys() -> None:
    one = request_hash("create", "lead", [{"a": 1, "b": Decimal("1.0"), "c": {3, 1, 2}}])

    assert one == request_hash("create", "lead", [{"c": {2, 3, 1}, "b": Decimal("1.0"), "a": 1}])
    assert one != request_hash("create", "lead", [{"a": 1, "b": Decimal("1.00"), "c": {3, 1, 2}}])


@pytest.mark.parametrize(
    ("storage", "value", "settled"),
    [
        (StorageType("decimal", 2), Decimal("2.345"), Decimal("2.34")),
        (StorageType("decimal", 2), Decimal("2.355"), Decimal("2.36")),
        (StorageType("decimal", 2), 7, Decimal("7.00")),
        (StorageType("integer"), Decimal("2.5"), 2),
        (StorageType("text"), "", None),
        (StorageType("json"), (), None),
        (StorageType("boolean"), False, False),
    ],
)
def test_what_an_expression_gives_is_settled_as_the_field_holds_it(
    storage: StorageType, value: object, settled: object
) -> None:
    field = Field("x", "y", field_types()["text"], Text("X"), storage=storage)

    found = settle(field, value)

    assert found == settled
    assert type(found) is type(settled)
    assert str(found) == str(settled)


def test_labels_are_joined_as_the_language_does() -> None:
    both = Names("{labels}", labels=(Text({"en": "Name", "zh": "名称"}), Text({"en": "City", "zh": "城市"})))
    whole = Message("Another {label} has the same {fields}", label=Text("Shop"), fields=both)

    assert whole.in_("en") == "Another Shop has the same Name, City"
    assert "名称、城市" in whole.in_("zh")


def test_lists_are_one_parameter_on_both_databases() -> None:
    assert SQLITE.is_in("x") == "x IN (SELECT value FROM json_each(?))"
    assert SQLITE.values(["a"]) == '["a"]'
    assert POSTGRESQL.is_in("x", "text") == "x = ANY(%s::text[])"
    assert POSTGRESQL.values(["a"]) == ["a"]
    assert SQLITE.tuples([("a", 1), ("b", 2)]) == ['[["a",1],["b",2]]']
    assert POSTGRESQL.tuples([("a", 1), ("b", 2)]) == [["a", "b"], [1, 2]]


def test_errors_carry_their_problems_to_the_reader() -> None:
    error = RecordInvalid([FieldProblem("x", Message("{label} is required", label=Text({"en": "X", "zh": "甲"})))])

    assert error.problems[0].message.in_("zh") == "“甲”为必填项"
