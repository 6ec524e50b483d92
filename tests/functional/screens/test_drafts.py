"""Forms that are not sent: kept as drafts, gone on with, thrown away, and handed back to whom is signed out."""

from datetime import timedelta

import time_machine

from engine import SYSTEM, Change, now
from engine.personal import drafts
from engine.site.cleaning import Cleaning
from engine.storage.database import run
from tests.functional.screens.filling import Form, form_at, form_on
from tests.functional.screens.world import Web, World, words


def keep(form: Form, **more: str) -> str:
    """Do what the script does two seconds after somebody typed; return what it is told."""
    values = {name: form.values.getlist(name) for name in form.values}
    answer = form.web.client.post("/visit/draft", data={**values, **more}, headers={"Accept-Language": "en"})
    assert answer.status_code == 200, answer.text
    return answer.text


def offered(web: Web, address: str) -> list[str]:
    """Return the addresses at which a form offers to go on with a draft."""
    page = web.text(address)
    return [part.split('"')[0] for part in page.split('href="')[1:] if "?draft=" in part.split('"')[0]]


def test_a_draft_is_offered_gone_on_with_and_gone_once_it_is_saved(clinic: World, anna: str) -> None:
    ada = clinic.browser("ada")
    form = form_at(ada, "/visit/new").fill(
        subject="Half a visit", patient="Anna", id_card="110101199003071234", items__0__what="Cleaning",
        items__0__amount="80",
    )  # fmt: skip
    assert keep(form).startswith("Draft kept at ")

    [address] = offered(ada, "/visit/new")
    again = form_at(ada, address)
    assert "You go on with your draft of" in words(again.page)
    assert (again.values["subject"], again.values["items-0-what"], again.values["items-0-amount"]) == (
        "Half a visit", "Cleaning", "80",
    )  # fmt: skip
    assert again.values["id_card"] == "", "what is secret is never kept"
    assert again.values["once"] == form.values["once"]
    assert again.values["drafted"] == "1"
    home = again.fill(subject="A whole visit").saved()
    assert offered(ada, "/visit/new") == []
    assert "A whole visit" in ada.text(home)


def test_a_draft_of_a_record_is_its_own_and_nobody_elses(clinic: World, anna: str) -> None:
    [one, other] = clinic.create(
        "visit",
        {"subject": "One", "patient": anna, "owner": clinic.ids["ada"]},
        {"subject": "Other", "patient": anna, "on_date": "2026-01-02"},
    )
    ada, nia = clinic.browser("ada"), clinic.browser("nia")
    keep(form_at(ada, f"/visit/{one}/edit").fill(subject="One, changed"), record=one)
    assert len(offered(ada, f"/visit/{one}/edit")) == 1
    assert offered(ada, f"/visit/{other}/edit") == offered(ada, "/visit/new") == []
    if nia.get(f"/visit/{one}/edit").status_code == 200:
        assert offered(nia, f"/visit/{one}/edit") == []

    [address] = offered(ada, f"/visit/{one}/edit")
    key = address.split("draft=")[1]
    gone = ada.submit("/visit/draft/discard", {"record": one, "once": key, "back": f"/visit/{one}"})
    assert gone.headers["Location"] == f"/visit/{one}"
    assert offered(ada, f"/visit/{one}/edit") == []
    assert form_at(ada, address).values["subject"] == "One", "a draft that is gone leads to the form as it is stored"


def test_a_draft_that_others_overtook_asks_which_value_to_keep(clinic: World, anna: str) -> None:
    [visit] = clinic.create("visit", {"subject": "One", "patient": anna})
    ada = clinic.browser("ada")
    keep(form_at(ada, f"/visit/{visit}/edit").fill(subject="Mine"), record=visit)
    clinic.site.records.update(SYSTEM, "visit", [Change(visit, {"subject": "Theirs"})])

    [address] = offered(ada, f"/visit/{visit}/edit")
    conflict = form_at(ada, address).refused(409)
    assert {"Mine", "Theirs"} <= set(words(conflict.page).split())
    conflict.fill(choose__subject="mine").saved()
    assert "Mine" in ada.text(f"/visit/{visit}")


def test_a_draft_that_the_save_overtook_is_not_offered(clinic: World, anna: str) -> None:
    ada = clinic.browser("ada")
    form = form_at(ada, "/visit/new").fill(subject="Quick", patient="Anna")
    late = {name: form.values.getlist(name) for name in form.values}
    form.values["drafted"] = "1"  # The script says so before it sends what is on its way still.
    form.saved()
    answer = ada.client.post("/visit/draft", data=late, headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.text) == (200, "")
    assert offered(ada, "/visit/new") == []

    # An hour on nothing is on its way any more, and no trace of the form is left.
    with time_machine.travel(now() + drafts.AFTERWARDS + timedelta(minutes=1), tick=False):
        clinic.site.drafts.keep(clinic.ids["ada"], "visit", "", "another", [("subject", "X")], None)
    with clinic.site.database.read() as connection:
        assert [each.key for each in clinic.site.drafts.of(connection, clinic.ids["ada"], "visit")] == ["another"]
    late["once"] = ["yet-another"]
    assert ada.client.post("/visit/draft", data=late, headers={"Accept-Language": "en"}).text.startswith("Draft kept")


def test_drafts_have_a_size_a_number_and_an_end(clinic: World, anna: str) -> None:
    ada, me = clinic.browser("ada"), clinic.ids["ada"]
    form = form_at(ada, "/visit/new").fill(subject="x" * (drafts.MOST_BYTES + 1))
    values = {name: form.values.getlist(name) for name in form.values}
    refused = ada.client.post("/visit/draft", data=values, headers={"Accept-Language": "en"})
    assert (refused.status_code, refused.text) == (422, "The form is too large to be kept as a draft")

    begin = now()
    for number in range(drafts.MOST + 3):
        # The clock of the site has milliseconds, and a fast machine keeps several drafts in one.
        with time_machine.travel(begin + timedelta(seconds=number), tick=False):
            clinic.site.drafts.keep(me, "visit", "", f"key{number}", [("subject", str(number))], None)
    with clinic.site.database.read() as connection:
        kept = clinic.site.drafts.of(connection, me, "visit")
    assert len(kept) == drafts.MOST
    assert [each.key for each in kept] == [f"key{number}" for number in range(drafts.MOST + 2, 2, -1)]

    site = clinic.site
    parts = (site.database, site.publisher, site.records, site.files, site.exports, site.imports, site.trail)
    later = begin + drafts.KEPT + timedelta(minutes=5)
    swept = {each.step: each.count for each in Cleaning(*parts, site.config.limits, at=later).run()}
    assert swept["drafts"] == drafts.MOST


def test_a_form_that_comes_after_the_sign_in_has_ended_is_handed_back(clinic: World, anna: str) -> None:
    ada = clinic.browser("ada")
    form = form_at(ada, "/visit/new").fill(subject="Typed for an hour", patient="Anna", id_card="110101199003071234")
    session = ada.client.get_cookie("guanxi")
    ada.client.delete_cookie("guanxi")

    answer = form.send()
    assert answer.status_code == 401
    assert "You are signed out" in words(answer.text)
    assert "ID card" in words(answer.text)
    assert "110101199003071234" not in answer.text
    again = _again(ada, answer.text)
    assert session is not None
    ada.client.set_cookie("guanxi", session.value)
    assert "Typed for an hour" in ada.text(again.saved())


def test_a_form_that_was_open_for_too_long_is_sent_again_as_it_is(clinic: World, anna: str) -> None:
    ada = clinic.browser("ada")
    form = form_at(ada, "/visit/new").fill(subject="Typed since noon", patient="Anna", id_card="110101199003071234")
    form.values.setlist("_token", ["0" * 64])

    ada.headers["Origin"] = "http://localhost"
    answer = form.send()
    said = words(answer.text)
    assert answer.status_code == 403
    assert "This page was open for too long" in said
    assert "Roles are given by" not in said
    assert "ID card" in said
    assert "110101199003071234" not in answer.text
    assert "Typed since noon" in ada.text(_again(ada, answer.text).saved())

    # What perhaps no page of ours sent is not offered to be saved.
    del ada.headers["Origin"]
    assert "Typed since noon" not in form.send().text


def test_what_could_not_be_stored_is_sent_again_when_it_can(clinic: World, anna: str) -> None:
    ada = clinic.browser("ada")
    form = form_at(ada, "/visit/new").fill(subject="Typed in bad times", patient="Anna")
    with clinic.site.database.beside() as connection:
        run(connection, "ALTER TABLE record_change RENAME TO record_change_away")
    clinic.app.config["PROPAGATE_EXCEPTIONS"] = False

    answer = form.send()
    assert answer.status_code == 500
    assert "what you typed is still here" in words(answer.text)
    with clinic.site.database.beside() as connection:
        run(connection, "ALTER TABLE record_change_away RENAME TO record_change")
    assert "Typed in bad times" in ada.text(_again(ada, answer.text).saved())


def _again(web: Web, page: str) -> Form:
    return form_on(web, page.replace('<form method="post"', '<form data-guard method="post"'))


def test_an_error_leads_to_the_list_it_is_about(clinic: World) -> None:
    ada = clinic.browser("ada")
    lost = ada.get(f"/visit/{'0193aaaa-bbbb-7ccc-8ddd-eeeeffff0000'}")
    nowhere = ada.get("/no_such_thing")

    assert (lost.status_code, nowhere.status_code) == (404, 404)
    assert '<a class="btn" href="/visit">' in lost.text
    assert "There is no no_such_thing" not in words(nowhere.text)
