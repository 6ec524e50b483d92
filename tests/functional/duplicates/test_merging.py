"""Records become one: what hung on the others hangs on it, nothing is lost, and one undo takes everything back."""

from typing import Any

import pytest

from engine import (
    MOST_MERGED,
    SYSTEM,
    AccessDenied,
    GuanxiError,
    NotFound,
    Principal,
    RecordInvalid,
    VersionConflict,
    new_id,
)
from tests.functional.duplicates.conftest import Books


@pytest.fixture
def admin(books: Books) -> Principal:
    return books.person("admin")


def three(books: Books, **more: Any) -> list[str]:
    """Three companies of one kind, the second fuller than the others."""
    return [
        books.add("account", name="Acme", **more),
        books.add("account", name="Acme Inc", phone="021-58881234", email="a@acme.example", tags=["b", "c"], **more),
        books.add("account", name="ACME", website="https://acme.example", tags=["a", "b"], **more),
    ]


def look(books: Books, who: Principal, ids: list[str], entity: str = "account") -> Any:
    with books.site.reading(who) as reader:
        return books.merges.look(books.site.duplicates.unit(reader), entity, ids)


def test_all_that_hangs_on_the_others_comes_along_and_goes_back(books: Books, admin: Principal) -> None:
    rep = books.person("sales_rep")
    first, second, third = three(books, owner=admin.id)
    person = books.add("contact", name="Anna", account=first)
    call = books.add("activity", subject="Call", account=third, contact=person)
    child = books.add("account", name="Daughter", parent=first)
    inner = books.add("account", name="Inner", parent=second)
    books.records.update(SYSTEM, "account", [{"id": second, "parent": third}])
    comment = books.add("comment", record_entity="account", record_id=third, body="Hello")
    books.records.share(admin, "account", first, "user", rep.id or "")
    books.site.stars.put(rep, "account", [first])

    seen = look(books, admin, [first, second, third])
    assert seen.survivor == second
    chosen = {choice.field.key: choice.chosen for choice in seen.choices}
    assert (chosen["name"], chosen["website"], chosen["tags"]) == (second, third, "all")
    moves = {label.in_("en"): dict(counts) for label, counts in seen.moves}
    assert moves["Contacts"] == {first: 1}
    assert moves["Activities"] == {third: 1}
    assert moves["Comments"] == {third: 1}

    done = books.merges.merge(admin, "account", second, [first, third], {"name": first})
    now = books.values("account", second, "name", "website", "phone", "tags", "parent", "contact_count")
    assert (now["name"], now["website"], now["phone"]) == ("Acme", "https://acme.example", "+862158881234")
    assert set(now["tags"]) == {"a", "b", "c"}
    # Nothing leads to itself, and rollups count anew.
    assert (now["parent"], now["contact_count"]) == (None, 1)
    assert books.values("contact", person, "account")["account"] == second
    assert books.values("activity", call, "account")["account"] == second
    assert books.values("account", child, "parent")["parent"] == second
    assert books.values("account", inner, "parent")["parent"] == second
    assert books.values("comment", comment, "record_id")["record_id"] == second
    with books.site.reading(rep) as reader:
        assert reader.readable("account", [second]) == {second}
    assert done.moved["contact"] == 1
    for gone in (first, third):
        assert not books.is_there("account", gone)
        assert books.gone_to(admin, "account", gone) == second
        assert books.gone_to(books.person("sales_rep"), "account", gone) is None

    books.records.update(SYSTEM, "activity", [{"id": call, "subject": "Call again"}])
    report = books.site.undo(admin, done.change_set)
    assert (report.kept, report.restored) == ((), 2)
    now = books.values("account", second, "name", "website", "tags", "parent")
    assert (now["name"], now["website"], set(now["tags"]), now["parent"]) == ("Acme Inc", None, {"b", "c"}, third)
    assert books.values("contact", person, "account")["account"] == first
    was = books.values("activity", call, "account", "subject")
    assert (was["account"], was["subject"]) == (third, "Call again")
    assert books.values("account", child, "parent")["parent"] == first
    assert books.values("comment", comment, "record_id")["record_id"] == third
    assert books.gone_to(admin, "account", first) is None
    with books.site.reading(rep) as reader:
        assert reader.readable("account", [first, second]) == {first}
    with pytest.raises(GuanxiError):
        books.site.undo(admin, done.change_set)


def test_what_was_edited_since_is_kept_and_told(books: Books, admin: Principal) -> None:
    first, second, _ = three(books)
    person = books.add("contact", name="Anna", account=first)
    done = books.merges.merge(admin, "account", second, [first])
    third = books.add("account", name="Elsewhere")
    books.records.update(SYSTEM, "contact", [{"id": person, "account": third}])

    report = books.site.undo(admin, done.change_set)
    assert [(each.entity, each.fields) for each in report.kept] == [("contact", ("account",))]
    assert books.values("contact", person, "account")["account"] == third
    assert books.is_there("account", first)


def test_values_that_stand_once_and_secret_ones_are_taken_over(books: Books, admin: Principal) -> None:
    one = books.add("contact", name="Anna", external_id=None)
    other = books.add(
        "contact", name="Anna L.", external_id="erp-77", id_card="110101199003070011", mobile="13812340000"
    )
    done = books.merges.merge(admin, "contact", one, [other], {"name": other})
    assert books.values("contact", one, "external_id", "name") == {"external_id": "erp-77", "name": "Anna L."} | {
        key: value for key, value in books.values("contact", one, "external_id", "name").items() if key == "id"
    }
    assert books.records.reveal(admin, "contact", one, "id_card") == "110101199003070011"
    report = books.site.undo(admin, done.change_set)
    assert report.kept == ()
    assert books.values("contact", other, "external_id")["external_id"] == "erp-77"
    assert books.values("contact", one, "external_id")["external_id"] is None
    # Of two secrets the survivor keeps its own: history could not give it back.
    books.records.update(SYSTEM, "contact", [{"id": one, "id_card": "440101198001010012"}])
    books.merges.merge(admin, "contact", one, [other])
    assert books.records.reveal(admin, "contact", one, "id_card") == "440101198001010012"


def test_merging_needs_the_right_to_change_and_to_delete_or_merge(books: Books) -> None:
    rep, other = books.person("sales_rep"), books.person("sales_rep")
    mine = [books.add("contact", name=f"Mine {n}", owner=rep.id) for n in range(2)]
    theirs = books.add("contact", name="Theirs", owner=other.id)
    accounts = [books.add("account", name=f"Mine {n}", owner=rep.id) for n in range(2)]

    with pytest.raises(NotFound):
        books.merges.merge(rep, "contact", mine[0], [theirs])
    with pytest.raises(AccessDenied):
        # Representatives delete no accounts.
        books.merges.merge(rep, "account", accounts[0], [accounts[1]])
    with pytest.raises(AccessDenied):
        books.merges.merge(books.person("marketing"), "contact", mine[0], [mine[1]])
    assert all(books.is_there("account", each) for each in accounts)
    done = books.merges.merge(rep, "contact", mine[0], [mine[1]])
    with pytest.raises(NotFound):
        books.site.undo(other, done.change_set)
    books.site.undo(rep, done.change_set)
    assert books.is_there("contact", mine[1])


def test_what_is_no_merge_is_refused_and_changes_nothing(books: Books, admin: Principal) -> None:
    ids = three(books)
    wrong: list[tuple[str, list[str], dict[str, str]]] = [
        (ids[0], [], {}),
        (ids[0], [ids[0]], {}),
        (ids[0], [books.add("account", name="x") for _ in range(MOST_MERGED)], {}),
        (ids[0], [ids[1]], {"nothing": ids[1]}),
        (ids[0], [ids[1]], {"contact_count": ids[1]}),
        (ids[0], [ids[1]], {"name": ids[2]}),
        (ids[0], [ids[1]], {"name": "all"}),
    ]
    for survivor, losers, choices in wrong:
        with pytest.raises(RecordInvalid):
            books.merges.merge(admin, "account", survivor, losers, choices)
    with pytest.raises(NotFound):
        books.merges.merge(admin, "account", ids[0], [new_id()])
    with pytest.raises(RecordInvalid):
        books.merges.merge(admin, "user", admin.id or "", [books.person("sales_rep").id or ""])
    with pytest.raises(VersionConflict):
        books.merges.merge(admin, "account", ids[0], [ids[1]], versions={ids[1]: 99})
    assert all(books.is_there("account", each) for each in ids)
    chain = books.merges.merge(admin, "account", ids[1], [ids[0]])
    books.merges.merge(admin, "account", ids[2], [ids[1]])
    assert books.gone_to(admin, "account", ids[0]) == ids[2]
    assert chain.losers == (ids[0],)
