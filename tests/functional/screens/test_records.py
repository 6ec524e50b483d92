"""The page of a record: facts, steps, what belongs to it, deleting it, and what it costs."""

import re
from typing import Any

import pytest

from tests.functional.screens.clinic import stored, visit
from tests.functional.screens.filling import form_at, form_on
from tests.functional.screens.world import World, words


def facts(page: str) -> dict[str, str]:
    """Return the facts of a record page by label."""
    main = page.partition("record-main")[2].partition("record-side")[0]
    found = re.findall(r"(?s)<dt>(.*?)</dt><dd>(.*?)</dd>", main)
    return {words(label): words(value) for label, value in found}


def steps(page: str) -> list[str]:
    """Return the names of the transitions that a page offers."""
    return list(dict.fromkeys(re.findall(r"/transition/([a-z_]+)\"", page)))


def test_a_record_is_shown_with_labels_and_formats_of_its_fields(clinic: World, anna: str) -> None:
    address = visit(
        clinic, anna, fee="1200.5", id_card="X-77", items=[{"what": "Scan", "amount": "5"}], on_date="2020-01-05"
    )

    page = clinic.browser("cai").text(address)

    shown = facts(page)
    assert list(shown) == ["Subject", "Patient", "Date", "Stage", "Fee", "ID card", "Total", "Overdue", "Owner"]
    assert shown["Fee"] == "¥1,200.50"
    assert shown["ID card"] == "•••• Why?"
    assert shown["Overdue"] == "yes"
    assert "X-77" not in page
    assert f'href="/contact/{anna}"' in page
    assert "Scan" in words(page.partition('id="list-items"')[2])
    assert re.search(r"Created Nov|Created [A-Z][a-z]{2} \d", words(page))
    assert "· Cai" in words(page)


def test_the_same_record_in_chinese(clinic: World, anna: str) -> None:
    address = visit(clinic, anna, fee="1200.5")
    web = clinic.browser("cai", "zh")
    web.client.set_cookie("guanxi_language", "zh")

    page = web.text(address)

    assert facts(page)["费用"] == "¥1,200.50"
    assert facts(page)["逾期"] == "否"
    assert "记为未到" in page
    assert "编辑" in page


def test_who_may_not_see_a_field_or_a_record_is_shown_neither(clinic: World, anna: str) -> None:
    address = visit(clinic, anna, id_card="X-77")

    page = clinic.browser("nia").text(address)

    assert "ID card" not in page
    assert f"{address}/edit" not in page, "it is not hers"
    assert clinic.browser("nia").get(f"{address}/edit").status_code == 403
    assert clinic.browser("nia").get(f"/visit/{clinic.ids['nia']}").status_code == 404
    assert clinic.browser("nia").get(f"{address}0").status_code == 404
    assert clinic.browser().get(address).status_code == 303


def test_steps_are_offered_to_those_who_may_make_them_now(clinic: World, anna: str) -> None:
    mine = visit(clinic, anna, "nia")
    other = visit(clinic, anna, "cai", on_date="2020-01-01")

    assert steps(clinic.browser("nia").text(mine)) == ["see", "miss"]
    assert steps(clinic.browser("nia").text(other)) == []
    assert steps(clinic.browser("cai").text(mine)) == ["miss"]


def test_a_step_is_made_told_and_undone(clinic: World, anna: str) -> None:
    address = visit(clinic, anna, "ada", fee="5")
    web = clinic.browser("ada")

    page = web.follow(web.submit(f"{address}/transition/see"))

    assert "Now Seen" in words(page)
    assert steps(page) == []
    assert stored(clinic, "visit", address)["stage"] == "seen"
    [undo] = re.findall(r'action="(/visit/undo/[^"]+)"', page)
    back = web.follow(web.submit(undo, {"back": address}))
    assert stored(clinic, "visit", address)["stage"] == "booked"
    assert "as it was before" in words(back)


def test_what_a_step_still_needs_is_asked_for_on_the_way(clinic: World, anna: str) -> None:
    address = visit(clinic, anna)
    web = clinic.browser("cai")

    asked = web.submit(f"{address}/transition/miss")
    form = form_on(web, asked.text)

    assert asked.status_code == 422
    assert "Fill this in to go on" in words(asked.text)
    assert "Not saved yet" not in words(asked.text)
    assert form.problems == {"why_missed": ["Why missed is required"]}
    assert "subject" not in form.names
    assert 'is-off" data-field="why_missed"' not in form.page, "what is asked for is seen, whatever hides it otherwise"
    assert form.action == f"{address}/transition/miss"
    again = form.refused()
    again.fill(why_missed="Ill").saved()

    now = stored(clinic, "visit", address)
    assert (now["stage"], now["why_missed"]) == ("missed", "Ill")


def test_a_step_that_its_maker_cannot_help_says_so_on_the_record(clinic: World, anna: str) -> None:
    clinic.site.records.update(clinic.site.principal(clinic.ids["ada"]), "visit", [])
    address = visit(clinic, anna)
    web = clinic.browser("cai")

    page = web.follow(web.submit(f"{address}/transition/see"))

    assert "You may not do this: See" in words(page)
    assert stored(clinic, "visit", address)["stage"] == "booked"
    assert web.submit(f"{address}/transition/nonsense").status_code == 404


def test_a_deleted_record_comes_back_through_the_notice(clinic: World, anna: str) -> None:
    address = visit(clinic, anna, items=[{"what": "Scan", "amount": 1}])
    web = clinic.browser("cai")

    page = web.follow(web.submit(f"{address}/delete"))

    assert "Visit moved to the recycle bin" in words(page)
    assert web.get(address).status_code == 404
    [undo] = re.findall(r'action="(/visit/undo/[^"]+)"', page)
    web.follow(web.submit(undo, {"back": "/visit"}))
    assert "Scan" in web.text(address)


def test_what_others_need_cannot_be_deleted_and_says_why(clinic: World, anna: str) -> None:
    visit(clinic, anna)

    response = clinic.browser("ada").submit(f"/contact/{anna}/delete")

    assert response.status_code in {303, 400, 422}
    assert clinic.browser("ada").get(f"/contact/{anna}").status_code == 200
    if response.status_code == 303:
        assert "Visit" in words(clinic.browser("ada").follow(response))
    else:
        assert "Visit" in words(response.text)


def test_what_belongs_to_a_record_stands_below_it_and_begins_a_new_one(clinic: World, anna: str) -> None:
    for number in range(25):
        visit(clinic, anna, subject=f"Visit {number}", on_date=f"2020-01-{number + 1:02}")
    web = clinic.browser("cai")

    page = web.text(f"/contact/{anna}?tab=related")
    visits = page.partition('id="list-visits"')[2].partition("</section>")[0]

    assert len(re.findall(r'<a href="/visit/[0-9a-f-]{36}"', visits)) == 20
    assert "Patient" not in words(visits), "it would say the same in every row"
    [new] = re.findall(r'href="(/visit/new\?[^"]+)"', visits)
    assert form_at(web, new.replace("&amp;", "&")).values["patient"] == "Anna"
    [more] = re.findall(r'href="(/visit\?filter=[^"]+)"', visits)
    assert len(set(re.findall(r'href="/visit/([0-9a-f-]{36})"', web.text(more.replace("&amp;", "&"))))) == 25


def test_lists_beyond_the_first_come_by_themselves_or_by_a_link(clinic: World, anna: str) -> None:
    clinic.create("thing", {"name": "Vase", "friends": [anna]})
    web = clinic.browser("cai")
    page = web.text(f"/contact/{anna}?tab=related")
    later = re.findall(r'hx-get="(/contact/[^"]+/related/[^"/]+)"', page)
    assert later

    whole = [web.text(address) for address in later]
    parts = [web.text(address, **{"HX-Request": "true"}) for address in later]

    assert any("Vase" in part for part in parts)
    assert all("<html" in page for page in whole)
    assert all("<html" not in part for part in parts)
    assert web.get(f"/contact/{anna}/related/nonsense").status_code == 404


def test_a_child_row_leads_back_to_its_parent(clinic: World, anna: str) -> None:
    address = visit(clinic, anna, items=[{"what": "Scan", "amount": 5}])
    web = clinic.browser("cai")
    [row] = re.findall(r'href="(/visit_item/[^"]+)"', web.text(address))

    page = web.text(row)

    assert f'href="{address}"' in page
    assert facts(page)["Phone"] == "138 0013 8000"
    form_at(web, f"{row}/edit").fill(amount="7").saved()
    assert str(stored(clinic, "visit", address)["total"]) == "7.00"


@pytest.mark.parametrize("count", [1, 60])
def test_a_record_page_costs_eight_statements_at_most(clinic: World, anna: str, count: int) -> None:
    items = [{"what": f"Item {number}", "amount": number, "helper": anna} for number in range(count)]
    address = visit(clinic, anna, items=items)
    for number in range(count):
        visit(clinic, anna, subject=f"Visit {number}", on_date=f"2020-{number % 12 + 1:02}-{number // 12 + 1:02}")
        clinic.create(
            "thing", {"name": f"Thing {number}", "friends": [anna], "maker": None, "about": f"contact/{anna}"}
        )
    web = clinic.browser("cai")
    for number in range(count):
        form_at(web, f"{address}/edit").fill(fee=str(number + 1)).saved() if number < 5 else None

    thing = re.findall(r'href="(/thing/[0-9a-f-]{36})"', web.text("/thing"))[0]
    for page in (
        address,
        f"{address}?tab=related",
        f"/contact/{anna}",
        f"/contact/{anna}?tab=related",
        thing,
        f"{address}/history",
    ):
        web.text(page)
        with clinic.statements() as seen:
            web.text(page)
        assert len(seen) <= 8, (page, seen)


def test_an_entity_with_little_to_show_has_a_page_too(clinic: World) -> None:
    web = clinic.browser("ada")

    for address in (
        f"/user/{clinic.ids['ada']}",
        f"/user/{clinic.ids['ada']}/edit",
        f"/user/{clinic.ids['ada']}?tab=related",
        "/team/new",
        "/department/new",
    ):
        assert web.get(address).status_code == 200, address


ENGLISH = re.compile(r"[A-Za-z]{3,}")


def test_every_word_of_these_screens_is_chinese_for_who_reads_chinese(clinic: World, anna: str) -> None:
    address = visit(clinic, anna, fee="5", id_card="1", items=[{"what": "扫描", "amount": 1}], subject="检查")
    [thing] = clinic.create("thing", {"name": "花瓶", "pin": "1", "friends": [anna]})
    web = clinic.browser("cai", "zh")
    web.client.set_cookie("guanxi_language", "zh")
    form_at(web, f"{address}/edit").fill(fee="6").saved()
    stale = form_at(web, f"{address}/edit")
    form_at(clinic.browser("eve"), f"{address}/edit").fill(fee="7").saved()

    pages: list[Any] = [
        web.text(each)
        for each in (
            address, f"{address}/edit", f"{address}/history", f"{address}?tab=related", f"/contact/{anna}?tab=related",
            f"/thing/{thing}/edit", f"/thing/{thing}", "/visit/new", "/thing/new", "/lookup/visit/patient?q=无名",
        )
    ]  # fmt: skip
    pages.append(form_at(web, "/visit/new").fill(fee="-1").refused().page)
    pages.append(stale.fill(fee="8").refused(409).page)
    pages.append(web.submit(f"{address}/transition/miss").text)
    assert "就诊已移入回收站" in web.follow(web.submit(f"{address}/delete"))

    names = {"Anna", "Cai", "Eve", "English", "CNY", "EUR", "always", "Hello", "SHA", "Guanxi", "https", "system"}
    for page in pages:
        shown = words(page) + " ".join(re.findall(r'(?:title|placeholder|aria-label)="([^"]*)"', page))
        left = {word for word in ENGLISH.findall(shown) if word not in names}
        assert not left, [shown[max(shown.find(word) - 60, 0) : shown.find(word) + 60] for word in left]
