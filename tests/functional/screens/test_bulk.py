"""What is done to ticked rows at once, and taking it back."""

import re
from datetime import date

import pytest

from engine import SYSTEM, Change, Query
from tests.functional.screens.world import World, titles, words


@pytest.fixture
def ids(world: World) -> list[str]:
    """Three deals of Ben and one of Cao."""
    ben, cao = world.ids["ben"], world.ids["cao"]
    return world.create(
        "deal",
        {"name": "Anvil", "amount": "1", "owner": ben},
        {"name": "Bolt", "amount": "2", "owner": ben},
        {"name": "Crane", "amount": "3", "owner": ben},
        {"name": "Drill", "amount": "4", "owner": cao},
    )


def names(world: World, **query: object) -> list[str]:
    """Return the names of the deals, by name."""
    with world.site.reading(SYSTEM) as reader:
        return sorted(row["name"] for row in reader.query(Query("deal", select=("name",), **query)).dicts())  # type: ignore[arg-type]


def test_ticked_rows_go_into_the_recycle_bin_and_come_back_at_one_press(world: World, ids: list[str]) -> None:
    web = world.browser("ben")

    page = web.follow(web.submit("/deal/bulk", {"id": ids[:2], "delete": "1", "back": "/deal?order=name"}))

    assert "2 deals moved to the recycle bin" in words(page)
    assert titles(page) == ["Crane"]
    undo = re.search(r'action="(/deal/undo/[0-9a-f-]{36})"', page)
    assert undo is not None
    back = web.follow(web.submit(undo[1], {"back": "/deal?order=name"}))
    assert "2 records are as they were before" in words(back)
    assert titles(back) == ["Anvil", "Bolt", "Crane"]


def test_a_notice_is_shown_once(world: World, ids: list[str]) -> None:
    web = world.browser("ben")
    web.follow(web.submit("/deal/bulk", {"id": ids[:1], "delete": "1"}))

    assert "moved to the recycle bin" not in words(web.text("/deal")).replace("Move", "")


def test_rows_that_somebody_may_not_delete_stay_and_are_told(world: World, ids: list[str]) -> None:
    web = world.browser("ben")

    page = web.follow(web.submit("/deal/bulk", {"id": [ids[0], ids[3]], "delete": "1"}))

    assert "Deal moved to the recycle bin" in words(page)
    assert "1 record stayed as it is" in words(page)
    assert names(world) == ["Bolt", "Crane", "Drill"]


def test_what_hangs_on_the_ticked_rows_is_told_before_they_are_deleted(clinic: World, anna: str) -> None:
    [bert] = clinic.create("contact", {"name": "Bert"})
    [lone] = clinic.create("contact", {"name": "Lone"})
    clinic.create(
        "visit", *({"subject": f"Check {day}", "patient": anna, "on_date": f"2026-03-0{day}"} for day in (1, 2))
    )
    web = clinic.browser("ada")

    told = web.follow(web.submit("/contact/bulk", {"id": [anna, bert], "delete": "1", "back": "/contact?order=name"}))
    gone = web.follow(web.submit("/contact/bulk", {"id": [bert, lone], "delete": "1"}))

    assert "2 visits lead to it by “Patient” and have to be changed or deleted first" in words(told)
    assert f'name="id" value="{anna}"' in told
    assert "2 contacts moved to the recycle bin" in words(gone)
    left = web.submit("/contact/many", {"act": "delete", "id": anna})
    assert left.status_code == 200
    assert titles(web.text("/contact")) == ["Anna"]


def test_one_field_of_the_ticked_rows_is_chosen_and_set(world: World, ids: list[str]) -> None:
    web = world.browser("ben")
    query = f"id={ids[0]}&id={ids[1]}&back=/deal"

    asked = web.text(f"/deal/bulk?{query}")
    chosen = web.text(f"/deal/bulk?{query}&field=stage")
    page = web.follow(
        web.submit(
            "/deal/bulk",
            {"id": ids[:2], "field": "stage", "set-stage": "won", "was-set-stage": "", "back": "/deal?stage=won"},
        )
    )

    assert "Change a field of 2 records" in words(asked)
    assert '<option value="won">Won</option>' in chosen
    assert "2 deals changed" in words(page)
    assert titles(page) == ["Bolt", "Anvil"]


@pytest.mark.parametrize(
    ("field", "typed", "expected"),
    [
        ("active", "false", False),
        ("active", "", None),
        ("closes_on", "2026-03-01", date(2026, 3, 1)),
        ("tags", "red, big", ("red", "big")),
        ("client", "Acme", "Acme"),
        ("name", "Same", "Same"),
    ],
)
def test_fields_of_every_kind_are_set_as_in_a_form(
    world: World, ids: list[str], field: str, typed: str, expected: object
) -> None:
    world.create("client", {"name": "Acme"})
    web = world.browser("ben")
    asked = web.text(f"/deal/bulk?id={ids[0]}&field={field}")
    hidden = dict(re.findall(r'<input type="hidden" name="((?:was|id|title)-set-[a-z_]+)" value="([^"]*)"', asked))

    response = web.submit("/deal/bulk", {**hidden, "id": ids[:2], "field": field, f"set-{field}": typed})

    assert response.status_code == 303
    path = "client.name" if field == "client" else field
    with world.site.reading(SYSTEM) as reader:
        found = reader.query(Query("deal", select=(path,), ids=tuple(ids[:2])))
    assert [row[path] for row in found.dicts()] == [expected, expected]


def test_a_change_that_changes_nothing_says_so(world: World, ids: list[str]) -> None:
    web = world.browser("ben")

    page = web.follow(
        web.submit("/deal/bulk", {"id": ids[:1], "field": "amount", "set-amount": "1.00", "was-set-amount": ""})
    )

    assert "Nothing had to be changed" in words(page)


def test_a_value_that_does_not_fit_is_refused_beside_its_input(world: World, ids: list[str]) -> None:
    response = world.browser("ben").submit(
        "/deal/bulk", {"id": ids[:2], "field": "amount", "set-amount": "-5", "was-set-amount": ""}
    )

    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.text
    assert 'value="-5"' in response.text
    assert "at least 0" in words(response.text)


@pytest.mark.parametrize("field", ["margin", "id", "created_at", "external_id", "vat", "nonsense"])
def test_fields_that_are_not_for_many_records_are_refused(world: World, ids: list[str], field: str) -> None:
    web = world.browser("ben")

    assert (
        web.submit(
            "/deal/bulk", {"id": ids[:1], "field": field, f"set-{field}": "1", f"was-set-{field}": ""}
        ).status_code
        == 404
    )
    assert f'<option value="{field}"' not in web.text(f"/deal/bulk?id={ids[0]}")


def test_an_undo_leaves_what_was_edited_since(world: World, ids: list[str]) -> None:
    web = world.browser("ben")
    page = web.follow(
        web.submit("/deal/bulk", {"id": ids[:2], "field": "amount", "set-amount": "50", "was-set-amount": ""})
    )
    undo = re.search(r'action="(/deal/undo/[0-9a-f-]{36})"', page)
    assert undo is not None
    world.site.records.update(SYSTEM, "deal", [Change(ids[0], {"amount": "70"})])

    page = web.follow(web.submit(undo[1]))

    assert "1 record is as it was before" in words(page)
    assert "Anvil:" in words(page)
    assert "¥70.00" in page
    assert "¥2.00" in page


def test_somebody_elses_change_cannot_be_undone(world: World, ids: list[str]) -> None:
    page = (web := world.browser("ben")).follow(
        web.submit("/deal/bulk", {"id": ids[:1], "field": "amount", "set-amount": "50", "was-set-amount": ""})
    )
    undo = re.search(r'action="(/deal/undo/[0-9a-f-]{36})"', page)
    assert undo is not None

    assert world.browser("cao").submit(undo[1]).status_code == 404


def test_nothing_ticked_changes_nothing(world: World, ids: list[str]) -> None:
    web = world.browser("ben")

    assert web.submit("/deal/bulk", {"delete": "1"}).status_code == 303
    assert "No row is ticked" in words(web.text("/deal/bulk"))
    assert names(world) == ["Anvil", "Bolt", "Crane", "Drill"]


def test_going_back_never_leads_to_another_site(world: World, ids: list[str]) -> None:
    response = world.browser("ben").submit("/deal/bulk", {"id": ids[:1], "delete": "1", "back": "//evil.example"})

    assert response.headers["Location"] == "/deal"


# --- the recycle bin


def test_the_recycle_bin_shows_what_was_deleted_and_gives_it_back(world: World, ids: list[str]) -> None:
    web = world.browser("ben")
    web.submit("/deal/bulk", {"id": ids[:2], "delete": "1"})

    page = web.text("/deal/trash")
    restored = web.follow(web.submit("/deal/trash", {"id": ids[:1]}))

    assert "Anvil" in page
    assert "Bolt" in page
    assert "Crane" not in page
    assert f'href="/deal/{ids[0]}"' not in page
    assert "Deal restored" in words(restored)
    assert names(world) == ["Anvil", "Crane", "Drill"]


def test_an_empty_recycle_bin_says_what_it_is_for(world: World) -> None:
    assert "The recycle bin is empty" in words(world.browser("ben").text("/deal/trash"))


def test_nobody_sees_more_in_the_recycle_bin_than_before(world: World, ids: list[str]) -> None:
    world.site.records.delete(SYSTEM, "deal", ids)

    page = world.browser("ben").text("/deal/trash")

    assert "Anvil" in page
    assert "Drill" not in page


def test_only_an_administrator_deletes_for_good_after_a_second_question(world: World, ids: list[str]) -> None:
    world.site.records.delete(SYSTEM, "deal", ids)
    ben, ada = world.browser("ben"), world.browser("ada")

    assert "Delete for good" not in ben.text("/deal/trash")
    assert ben.submit("/deal/trash/purge", {"id": ids[:1]}).status_code == 403
    assert "Delete for good" in ada.text("/deal/trash")
    asked = ada.text(f"/deal/trash/purge?id={ids[0]}")
    assert "Anvil" in asked
    assert len(names(world, trashed=True)) == 4
    assert "Deal deleted for good" in words(ada.follow(ada.submit("/deal/trash/purge", {"id": ids[:1]})))
    assert names(world, trashed=True) == ["Bolt", "Crane", "Drill"]


def test_the_recycle_bin_goes_on_page_by_page(world: World) -> None:
    ids = world.create("deal", *({"name": f"Deal {number}", "owner": world.ids["ben"]} for number in range(60)))
    world.site.records.delete(SYSTEM, "deal", ids)
    web = world.browser("ben")

    page = web.text("/deal/trash")
    more = re.search(r'hx-get="(/deal/trash\?cursor=.*?)"', page)
    assert more is not None
    rest = web.get(more[1], **{"HX-Request": "true"}).text

    assert page.count('name="id"') == 50
    assert rest.count('name="id"') == 10
    assert "<html" not in rest
