"""Ways to a record that spare typing: choices with a second line, one made on the way, copies; and one on paper."""

import re

from tests.functional.screens.clinic import stored
from tests.functional.screens.filling import Form, _Reader, form_at
from tests.functional.screens.world import Web, World, words

HTMX = {"HX-Request": "true"}


def quick(web: Web, page: str) -> Form:
    """Return the short form of a new record."""
    reader = _Reader()
    reader.feed(page.replace("data-quick-form", "data-guard"))
    return Form(web, page, reader.action, reader.values, reader.names, reader.options, reader.problems)


def titles(page: str) -> list[str]:
    """Return the choices of a link."""
    return re.findall(r'data-title="([^"]*)"', page)


def test_choices_have_a_second_line_and_begin_with_what_was_opened_last(clinic: World, anna: str) -> None:
    people = clinic.create("contact", *({"name": f"Person {number:02}", "city": "Kiel"} for number in range(30)))
    ada = clinic.browser("ada")
    assert "Bonn" in ada.text("/lookup/visit/patient?q=Anna")
    ada.text(f"/contact/{people[3]}")
    ada.text(f"/contact/{people[7]}")
    clinic.site.visits.flush()

    page = ada.text("/lookup/visit/patient")
    assert titles(page)[:2] == ["Person 07", "Person 03"]
    assert "Opened last" in page
    assert len(titles(page)) == len(set(titles(page))) == 20
    assert "Opened last" not in ada.text("/lookup/visit/patient?q=Person")
    with clinic.statements() as seen:
        ada.text("/lookup/visit/patient")
    assert len(seen) <= 6, seen


def test_a_record_is_made_on_the_way_to_another(clinic: World, anna: str) -> None:
    ada = clinic.browser("ada")
    [address] = re.findall(r'data-fresh="([^"]+)"', ada.text("/lookup/visit/patient?q=Berta"))
    assert address == "/contact/quick?name=Berta"
    form = quick(ada, ada.get(address, **HTMX).text)
    assert form.values["name"] == "Berta"
    assert "mobile" not in form.names, "a short form asks for what is needed alone"

    wrong = form.fill(name="").send()
    assert wrong.status_code == 422
    assert quick(ada, wrong.text).problems["name"]
    made = form.fill(name="Berta <b>").send()
    assert made.status_code == 201
    [title] = titles(made.text)
    assert title == "Berta &lt;b&gt;"
    [id_] = re.findall(r'data-made="([^"]+)"', made.text)
    assert stored(clinic, "contact", f"/contact/{id_}", "name")["name"] == "Berta <b>"
    assert ada.get(address).headers["Location"] == "/contact/new?name=Berta", "without a script the whole form"


def test_who_may_not_make_a_record_is_not_offered_to(clinic: World, anna: str) -> None:
    cai = clinic.browser("cai")
    if cai.get("/visit/new").status_code != 403:
        assert "data-fresh" in cai.text("/lookup/visit/patient?q=x")
    dan = clinic.browser("nia")
    answer = dan.get("/thing/quick", **HTMX)
    offered = "data-fresh" in dan.text("/lookup/visit/patient?q=x")
    assert offered == (dan.get("/contact/quick", **HTMX).status_code == 200)
    assert answer.status_code in {200, 403}


def test_what_a_choice_must_hold_is_filled_in_when_it_is_made(clinic: World, anna: str) -> None:
    page = clinic.browser("ada").text("/lookup/thing/maker?q=Zoe&town=Kiel")
    [address] = re.findall(r'data-fresh="([^"]+)"', page)
    assert address.replace("&amp;", "&") == "/contact/quick?name=Zoe&city=Kiel"
    form = quick(clinic.browser("ada"), clinic.browser("ada").get("/contact/quick?name=Zoe&city=Kiel", **HTMX).text)
    assert form.values["city"] == "Kiel"


def test_a_copy_takes_over_what_may_be_copied_with_its_rows_or_without(clinic: World, anna: str) -> None:
    ada = clinic.browser("ada")
    [visit] = clinic.create(
        "visit",
        {"subject": "First", "patient": anna, "on_date": "2026-01-02", "id_card": "110101199003071234", "fee": "10",
         "items": [{"what": "Cleaning", "amount": "80", "helper": anna}]},
    )  # fmt: skip
    assert f'href="/visit/new?copy={visit}"' in ada.text(f"/visit/{visit}")
    form = form_at(ada, f"/visit/new?copy={visit}")
    assert "A copy that is not saved yet" in words(form.page)
    shown = [form.values[name] for name in ("subject", "patient", "items-0-what")]
    assert shown == ["First", "Anna", "Cleaning"]
    assert form.values["items-0-id"] == ""
    assert form.values["id_card"] == ""
    home = form.fill(subject="Second", on_date="2026-01-03").saved()
    copy = stored(clinic, "visit", home, "subject", "fee", "total", "id_card")
    assert (copy["subject"], str(copy["fee"]), str(copy["total"])) == ("Second", "10.00", "80.00")

    without = form_at(ada, f"/visit/new?copy={visit}&rows=0")
    assert without.values["items-0-what"] == ""


def test_a_record_goes_on_paper_with_all_its_facts_and_rows(clinic: World, anna: str) -> None:
    ada = clinic.browser("ada")
    rows = [{"what": f"Item {number}", "amount": "2"} for number in range(250)]
    [visit] = clinic.create("visit", {"subject": "<b>First</b>", "patient": anna, "items": rows})
    page = ada.text(f"/visit/{visit}/print")
    assert "&lt;b&gt;First&lt;/b&gt;" in page
    assert "<b>First" not in page
    assert page.count("Item ") >= 250
    assert "Anna" in page
    assert "shell-side" not in page
    assert "/edit" not in page
    chinese = clinic.browser("ada")
    chinese.client.set_cookie("guanxi_language", "zh")
    assert "打印" in chinese.text(f"/visit/{visit}/print")
    assert f'href="/visit/{visit}/print"' in ada.text(f"/visit/{visit}")
    with clinic.statements() as seen:
        ada.text(f"/visit/{visit}/print")
    assert len(seen) <= 8, seen


def test_rows_are_copied_without_a_script(clinic: World, anna: str) -> None:
    ada = clinic.browser("ada")
    form = form_at(ada, "/visit/new").fill(
        subject="Rows", patient="Anna", items__0__what="Cleaning", items__0__amount="80", items__0__helper="Anna"
    )
    again = form.refused(200, more="items:copy:0")
    assert again.values["items-2-what"] == "Cleaning"
    home = again.fill(items__2__amount="5").saved()
    assert str(stored(clinic, "visit", home, "total")["total"]) == "85.00"


def test_the_server_answers_conditions_that_the_browser_cannot(clinic: World, anna: str) -> None:
    ada = clinic.browser("ada")
    form = form_at(ada, "/visit/new").fill(subject="Missed", patient="Anna")
    values = {name: form.values.getlist(name) for name in form.values}
    told = ada.client.post("/visit/form/logic", data=values).get_json()
    assert told["fields"]["why_missed"] == {"visible": False}
    [visit] = clinic.create("visit", {"subject": "One", "patient": anna, "on_date": "2026-02-02"})
    who = clinic.site.principal(clinic.ids["ada"])
    clinic.site.records.transition(who, "visit", [visit], "miss", {"why_missed": "x"})
    change = form_at(ada, f"/visit/{visit}/edit")
    values = {name: change.values.getlist(name) for name in change.values}
    told = ada.client.post("/visit/form/logic", data={**values, "record": visit}).get_json()
    assert told["fields"]["why_missed"] == {"visible": True}


def test_what_is_typed_is_read_as_it_is_left(clinic: World, anna: str) -> None:
    ada = clinic.browser("ada")

    def read(field: str, value: str, entity: str = "visit") -> dict[str, str]:
        answer = ada.submit(f"/{entity}/form/read", {"field": field, "value": value})
        assert answer.status_code == 200, answer.text
        found: dict[str, str] = answer.get_json()
        return found

    assert read("mobile", "+86 13800138000", "contact") == {"value": "138 0013 8000", "problem": ""}
    assert read("fee", "1,234.5")["value"] == "1234.50"
    assert "is not" in read("fee", "much")["problem"]
    assert read("items-0-amount", "7")["value"] == "7.00"
    for closed in ("id_card", "patient", "total", "items-0-scan", "nonsense"):
        assert ada.submit("/visit/form/read", {"field": closed, "value": "x"}).status_code == 404, closed


def test_a_form_with_tabs_can_be_filled_in_step_by_step(clinic: World, anna: str) -> None:
    documents = """
form: contact.default
entity: contact
steps: true
tabs:
  who: {label: {en: Who, zh: 谁}, sections: {who: {rows: [name]}}}
  where: {label: {en: Where, zh: 哪里}, sections: {where: {rows: [[mobile, city]]}}}
"""
    (clinic.site.config.folder / "schemas" / "steps.yaml").write_text(documents, "utf-8")
    clinic.site.publish()
    ada = clinic.browser("ada")
    page = ada.text("/contact/new")
    assert re.findall(r'data-tab="([a-z]+)"', page) == ["who", "where"]
    assert page.count("data-step=") == 2
    assert "data-step=" not in ada.text(f"/contact/{anna}/edit"), "what is there already is changed anywhere"

    again = form_at(ada, "/contact/new").fill(mobile="nonsense").refused()
    assert re.findall(r'<li><a href="#f-(\w+)">', again.page) == ["name", "mobile"]
    assert again.page.count('class="tab-wrong"') == 2
    again.fill(name="Cora", mobile="").saved()


def test_a_record_is_made_in_the_list_that_it_belongs_to(clinic: World, anna: str) -> None:
    ada = clinic.browser("ada")
    home = f"/contact/{anna}"
    page = ada.text(f"{home}?tab=related")
    [address] = {each.replace("&amp;", "&") for each in re.findall(r'hx-get="([^"]+/related/visits/new[^"]*)"', page)}
    whole = ada.get(address)
    assert whole.status_code == 303, "without a script the whole form"
    assert f"patient={anna}" in whole.headers["Location"]
    assert "back=" in whole.headers["Location"]
    with clinic.statements() as seen:
        form = quick(ada, ada.get(address, **HTMX).text)
    assert len(seen) <= 4, seen
    form.web.headers |= HTMX
    assert form.values["id-patient"] == anna

    wrong = form.fill(subject="").send()
    assert (wrong.status_code, wrong.headers["HX-Retarget"]) == (422, "#new-visits")
    assert quick(ada, wrong.text).problems["subject"]
    made = form.fill(subject="Made <i>here</i>").send()
    assert made.status_code == 200
    assert 'id="list-visits"' in made.text
    assert "Made &lt;i&gt;here&lt;/i&gt;" in made.text
    assert "created" in words(made.text)
    again = form.send()  # twice pressed is once made
    assert again.text.count("Made &lt;i&gt;") >= 1
    ada.headers.clear()
    assert words(ada.text("/visit")).count("Made <i>here</i>") == 1
    assert ada.get(f"{home}/related/nothing/new", **HTMX).status_code == 404
