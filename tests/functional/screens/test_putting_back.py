"""The page of a history gives single fields their earlier values again."""

import re
from decimal import Decimal

from engine import SYSTEM
from tests.functional.screens.clinic import stored, visit
from tests.functional.screens.world import World, words


def thing(clinic: World, **values: object) -> str:
    [id_] = clinic.create("thing", {"name": "Vase", "owner": clinic.ids["nia"], **values})
    return id_


def change(clinic: World, id_: str, **values: object) -> None:
    clinic.site.records.update(SYSTEM, "thing", [{"id": id_, **values}])


def offered(page: str) -> list[str]:
    return re.findall(r'action="(/[a-z]+/[^"]+/history/\d+/[a-z_]+)"', page)


def version_of(page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found is not None
    return found[1]


def test_an_old_value_is_put_back_and_that_is_undone(clinic: World) -> None:
    id_ = thing(clinic, size="2.50", note="old", words=["a", "b"])
    change(clinic, id_, size="3.00", note="new", words=["c"])
    web = clinic.browser("nia")
    page = web.text(f"/thing/{id_}/history")
    assert sorted(each.rpartition("/")[2] for each in offered(page)) == ["note", "size", "words"]

    [address] = [each for each in offered(page) if each.endswith("/size")]
    after = web.follow(web.submit(address, {"version": version_of(page)}))

    assert "Size has its earlier value again" in words(after)
    now = stored(clinic, "thing", f"/thing/{id_}")
    assert (now["size"], now["note"]) == (Decimal("2.50"), "new")
    assert [each.rpartition("/")[2] for each in offered(after) if each.endswith("/2/size")] == [], "it has that value"
    [undo] = re.findall(r'action="(/thing/undo/[^"]+)"', after)[:1]
    web.submit(undo, {"back": f"/thing/{id_}"})
    assert stored(clinic, "thing", f"/thing/{id_}")["size"] == Decimal("3.00")


def test_values_of_every_kind_are_put_back_as_they_were(clinic: World, anna: str) -> None:
    old = {
        "note": "two\nlines", "size": "1.25", "price": "9.90", "ready": True, "made_on": "2024-02-29",
        "shown_at": "2024-05-01T09:30:00.000Z", "opens": "08:15:00", "lasts": 5400, "traits": ["red", "big"],
        "words": ["x"], "friends": [anna], "about": f"contact/{anna}", "line": "+8613800138000",
        "place": {"city": "Bonn"}, "tint": "#336699", "stars": 4, "extra": {"a": [1, 2]}, "page": "https://a.example/",
    }  # fmt: skip
    id_ = thing(clinic, **old)
    before = stored(clinic, "thing", f"/thing/{id_}")
    change(clinic, id_, **dict.fromkeys(old))
    web = clinic.browser("ada")
    page = web.text(f"/thing/{id_}/history")
    addresses = offered(page)
    assert {each.rpartition("/")[2] for each in addresses} >= old.keys()

    for address in addresses:
        assert web.submit(address).status_code == 303, address

    now = stored(clinic, "thing", f"/thing/{id_}")
    assert {key: now[key] for key in old} == {key: before[key] for key in old}


def test_only_what_somebody_may_write_is_offered_and_taken(clinic: World) -> None:
    id_ = thing(clinic, price="5.00", mail="a@example.com", note="old")
    change(clinic, id_, price="6.00", mail="b@example.com", note="new")
    web = clinic.browser("nia")
    page = web.text(f"/thing/{id_}/history")
    assert [each.rpartition("/")[2] for each in offered(page)] == ["note"], "the price is read, the address masked"

    for key in ("price", "mail", "worth", "nonsense", "id"):
        assert web.submit(f"/thing/{id_}/history/2/{key}").status_code == 404
    assert web.submit(f"/thing/{id_}/history/77/note").status_code == 404
    assert stored(clinic, "thing", f"/thing/{id_}")["price"] == Decimal("6.00")


def test_who_may_not_change_the_record_gets_no_button_and_is_refused(clinic: World, anna: str) -> None:
    address = visit(clinic, anna, fee="5")
    id_ = address.rsplit("/", 1)[1]
    clinic.site.records.update(SYSTEM, "visit", [{"id": id_, "fee": "6", "owner": clinic.ids["eve"]}])
    web = clinic.browser("nia")
    assert offered(web.text(f"{address}/history")) == []
    assert web.submit(f"{address}/history/2/fee").status_code == 403
    assert stored(clinic, "visit", address)["fee"] == Decimal("6.00")


def test_a_value_that_the_checks_refuse_is_told_and_not_put_back(clinic: World, anna: str) -> None:
    address = visit(clinic, anna)
    id_ = address.rsplit("/", 1)[1]
    clinic.site.records.update(SYSTEM, "visit", [{"id": id_, "fee": "6"}])
    clinic.site.records.transition(SYSTEM, "visit", [id_], "see")
    web = clinic.browser("ada")
    page = web.text(f"{address}/history")
    [back] = [each for each in offered(page) if each.endswith("/2/fee")]

    refused = web.submit(back, {"version": version_of(page)})

    assert refused.status_code == 422
    assert "A seen visit has a fee" in words(refused.text)
    assert stored(clinic, "visit", address)["fee"] == Decimal("6.00")


def test_what_somebody_changed_meanwhile_is_not_run_over(clinic: World) -> None:
    id_ = thing(clinic, note="first")
    change(clinic, id_, note="second")
    web = clinic.browser("nia")
    page = web.text(f"/thing/{id_}/history")
    change(clinic, id_, note="third")

    [back] = offered(page)
    answer = web.submit(back, {"version": version_of(page)})

    assert answer.status_code == 409
    assert stored(clinic, "thing", f"/thing/{id_}")["note"] == "third"
