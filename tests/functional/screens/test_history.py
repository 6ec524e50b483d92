"""Histories, undo, and what becomes of two people who change one record at once."""

import re
from decimal import Decimal

from tests.functional.screens.clinic import children, stored, visit
from tests.functional.screens.filling import form_at
from tests.functional.screens.world import World, words


def test_history_tells_who_changed_what_in_words(clinic: World, anna: str) -> None:
    bob = clinic.create("contact", {"name": "Bob"})[0]
    address = visit(clinic, anna, fee="5", id_card="X-77")
    web = clinic.browser("eve")
    form_at(web, f"{address}/edit").fill(patient="Bob", fee="1200", on_date="2020-02-03", id_card="Y-88").saved()

    page = web.text(f"{address}/history")

    told = words(page)
    assert "Eve changed" in told
    for change in ("Patient Anna → Bob", "Fee ¥5.00 → ¥1,200.00", "Feb 3, 2020", "Cai created"):
        assert change in told
    assert bob not in told
    assert "X-77" not in page
    assert "Y-88" not in page
    assert "ID card" not in clinic.browser("nia").text(f"{address}/history")


def test_each_change_can_be_taken_back_by_who_made_it(clinic: World, anna: str) -> None:
    address = visit(clinic, anna, fee="5")
    web = clinic.browser("eve")
    form_at(web, f"{address}/edit").fill(fee="6").saved()
    form_at(web, f"{address}/edit").fill(subject="Other").saved()

    undo = re.findall(r'action="(/visit/undo/[^"]+)"', web.text(f"{address}/history"))
    assert len(undo) == 2, "what Cai did is not Eve's to undo"
    page = web.follow(web.submit(undo[1], {"back": f"{address}/history"}))

    now = stored(clinic, "visit", address)
    assert (now["fee"], now["subject"]) == (Decimal("5.00"), "Other")
    assert "1 record is as it was before" in words(page)
    assert "Fee ¥6.00 → ¥5.00" in words(page)
    assert len(re.findall(r'action="/visit/undo/', clinic.browser("ada").text(f"{address}/history"))) >= 3


def test_a_long_history_comes_in_pages(clinic: World, anna: str) -> None:
    address = visit(clinic, anna)
    cai = clinic.site.principal(clinic.ids["cai"])
    for number in range(60):
        clinic.site.records.update(cai, "visit", [{"id": address.rsplit("/", 1)[1], "fee": str(number + 1)}])
    web = clinic.browser("cai")

    page = web.text(f"{address}/history")
    [earlier] = re.findall(r'href="(/visit/[^"]+/history\?cursor=[^"]+)"', page)

    assert "created" not in words(page)
    assert "created" in words(web.text(earlier.replace("&amp;", "&")))
    assert web.get(f"{address}/history?cursor=nonsense").status_code == 400


# --- two people at once


def test_changes_of_different_fields_and_rows_come_together_silently(clinic: World, anna: str) -> None:
    address = visit(clinic, anna, items=[{"what": "A", "amount": 1}, {"what": "B", "amount": 2}])
    mine, theirs = (form_at(clinic.browser(who), f"{address}/edit") for who in ("cai", "eve"))

    theirs.fill(fee="7", items__0__amount="10", items__2__what="C", items__2__amount="3").saved()
    mine.fill(subject="Mine", items__0__what="A2", items__1__amount="20").saved()

    now = stored(clinic, "visit", address)
    assert (now["subject"], now["fee"], now["total"]) == ("Mine", Decimal("7.00"), Decimal("33.00"))
    assert [(row["what"], row["amount"]) for row in children(clinic, address)] == [
        ("A2", Decimal("10.00")), ("B", Decimal("20.00")), ("C", Decimal("3.00")),
    ]  # fmt: skip


def test_a_field_that_two_people_changed_is_theirs_to_choose(clinic: World, anna: str) -> None:
    _bob, carl = clinic.create("contact", {"name": "Bob"}, {"name": "Carl"})
    address = visit(clinic, anna, fee="1")
    mine, theirs = (form_at(clinic.browser(who), f"{address}/edit") for who in ("cai", "eve"))
    theirs.fill(fee="20", patient="Bob", subject="Theirs").saved()

    again = mine.fill(fee="30", patient="Carl", subject="Mine", on_date="2020-01-01").refused(409)

    told = words(again.page)
    for value in ("¥20.00", "¥30.00", "Bob", "Carl", "Mine", "Theirs"):
        assert value in told
    assert stored(clinic, "visit", address)["subject"] == "Theirs", "nothing is written before the choice"
    again.fill(**{"choose-fee": "theirs", "choose-patient": "mine"}).saved()
    now = stored(clinic, "visit", address)
    assert (now["fee"], now["patient"], now["subject"]) == (Decimal("20.00"), carl, "Mine")
    assert now["on_date"].isoformat() == "2020-01-01"


def test_a_third_change_during_the_choice_is_a_conflict_again(clinic: World, anna: str) -> None:
    address = visit(clinic, anna)
    mine = form_at(clinic.browser("cai"), f"{address}/edit").fill(subject="Mine")
    form_at(clinic.browser("eve"), f"{address}/edit").fill(subject="Theirs").saved()
    again = mine.refused(409)
    form_at(clinic.browser("eve"), f"{address}/edit").fill(subject="Theirs once more").saved()

    third = again.refused(409)

    assert "Theirs once more" in words(third.page)
    third.saved()
    assert stored(clinic, "visit", address)["subject"] == "Mine"


def test_one_cell_of_a_child_row_that_two_people_changed_is_asked_about(clinic: World, anna: str) -> None:
    address = visit(clinic, anna, items=[{"what": "A", "amount": 1}])
    mine, theirs = (form_at(clinic.browser(who), f"{address}/edit") for who in ("cai", "eve"))
    theirs.fill(items__0__amount="10").saved()

    again = mine.fill(items__0__amount="20", items__0__what="B").refused(409)

    assert "¥10.00" in words(again.page)
    again.fill(**{"choose-items/0/amount": "theirs"}).saved()
    [row] = children(clinic, address)
    assert (row["what"], row["amount"]) == ("B", Decimal("10.00"))


def test_a_row_that_somebody_else_removed_is_told_when_it_was_changed(clinic: World, anna: str) -> None:
    address = visit(clinic, anna, items=[{"what": "A", "amount": 1}, {"what": "B", "amount": 2}])
    mine, other, theirs = (form_at(clinic.browser(who), f"{address}/edit") for who in ("cai", "ada", "eve"))
    theirs.fill(items__0__delete="1").saved()

    other.fill(items__1__amount="5").saved()
    again = mine.fill(items__0__what="A2").refused()

    assert "deleted this row" in words(again.page)
    again.fill(items__0__delete="1").send()
    assert [row["what"] for row in children(clinic, address)] == ["B"]


def test_a_record_that_went_into_the_bin_meanwhile_keeps_what_was_typed(clinic: World, anna: str) -> None:
    address = visit(clinic, anna, items=[{"what": "A", "amount": 1}])
    form = form_at(clinic.browser("cai"), f"{address}/edit").fill(subject="Typed", items__0__what="Typed too")
    clinic.browser("eve").submit(f"{address}/delete")

    again = form.refused(404)

    assert "recycle bin" in words(again.page)
    assert again.values["subject"] == "Typed"
    clinic.browser("eve").submit(f"{address}/restore")
    again.saved()
    assert stored(clinic, "visit", address)["subject"] == "Typed"
