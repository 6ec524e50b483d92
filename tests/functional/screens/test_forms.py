"""Forms: every type of field, defaults, refusals, child rows, files, and what conditions do without a script."""

import html
import re
from decimal import Decimal
from pathlib import Path

from engine import SYSTEM, Site
from engine.personal.drafts import MOST
from tests.functional.screens.clinic import DOCUMENTS, PEOPLE, children, stored, visit
from tests.functional.screens.filling import form_at
from tests.functional.screens.world import World, build, words
from ui.app import create_app

HOSTILE = "<script>alert(1)</script>'\"{{ 7*7 }}&amp;"


# --- every type


def test_every_type_of_field_is_filled_in_changed_and_emptied_without_a_script(clinic: World, anna: str) -> None:
    web = clinic.browser("cai")
    form = form_at(web, "/thing/new")
    form.fill(
        name="Vase", note="One\r\nTwo", story="<b>Fine</b><script>x</script>", size="1,200.5", pieces="3", share="12",
        price="99", ready="true", made_on="2020-01-05", shown_at="2026-11-22T09:30", opens="09:30", lasts="1h 30m",
        kind="old", traits=["red", "rare"], words="a, b", town="Bonn", maker="Anna", add__friends="Anna",
        kind__about="contact", about="Anna", keeper="Cai", mail="a@example.com", line="13800138000",
        page="https://example.com/x", tint="#336699", stars="4", code="4006381333931", pin="1234", extra='{"a": [1]}',
        sealed="wax", paper=(b"Hello", "paper.txt"), papers=(b"Other", "other.txt"),
    )  # fmt: skip
    form.fill(**{"place.city": "北京", "spot.lat": "39.9", "spot.lng": "116.4"})

    address = form.saved()
    made = stored(clinic, "thing", address)

    assert made["size"] == Decimal("1200.50")
    assert made["shown_at"].isoformat() == "2026-11-22T01:30:00+00:00"
    assert made["story"] == "<b>Fine</b>"
    assert made["traits"] == ("red", "rare")
    assert made["maker"] == anna
    assert made["friends"] == (anna,)
    assert made["about"] == f"contact/{anna}"
    assert made["keeper"] == clinic.ids["cai"]
    assert made["place"] == {"city": "北京"}
    assert made["double"] == 6
    assert made["greeting"] == "Hello Cai"
    assert made["stars"] == 4
    page = web.text(address)
    assert "1234" not in page
    for shown in ("1,200.50", "paper.txt", "Nov 22", "9:30", "1h 30m", "★★★★☆", "北京", "<b>Fine</b>"):
        assert shown in page

    again = form_at(web, f"{address}/edit")
    assert again.values["pin"] == ""
    assert clinic.site.records.reveal(SYSTEM, "thing", address.rsplit("/", 1)[1], "pin") == "1234"
    before = stored(clinic, "thing", address, "version")["version"]
    again.saved()
    assert stored(clinic, "thing", address, "version")["version"] == before, (
        "nothing was changed, so nothing is written"
    )

    empty = form_at(web, f"{address}/edit")
    keep = {"name", "version", "once", "_token", "asked", "owner", "id-owner", "title-owner"}
    for name in list(empty.values):
        if name not in keep and not name.startswith("was-"):
            empty.values.setlist(name, [""] if name not in empty.options else [])
    empty.values["clear-pin"] = "1"
    empty.saved()
    bare = stored(clinic, "thing", address)

    kept = {key for key, value in bare.items() if value is not None and value != ()}
    system = {"id", "version", "created_at", "created_by", "updated_at", "updated_by", "owner", "origin", "deleted_at"}
    # A box says no, what is locked or only read stays, and numbers given by the product are nobody's to empty.
    assert kept - system == {"name", "ready", "number", "sealed", "fixed"}
    assert bare["ready"] is False


def test_what_is_typed_wrong_is_kept_with_a_message_at_the_field(clinic: World) -> None:
    web = clinic.browser("cai")
    typed = {
        "size": "many", "pieces": "1001", "price": "USD 5", "made_on": "yesterday-ish", "shown_at": "soon",
        "opens": "25:00", "lasts": "forever", "mail": "nobody", "page": "javascript:alert(1)", "tint": "reddish",
        "extra": "{", "maker": "Nobody", "about": "Nothing", "add__friends": "Somebody", "line": "call me",
    }  # fmt: skip

    form = form_at(web, "/thing/new").fill(name="", pin="secret 77", note="\nkept", **typed).refused()

    wrong = set(form.problems)
    assert wrong == {key.removeprefix("add__") for key in typed} | {"name"}
    for key, value in typed.items():
        assert form.values[key.replace("__", "-")] == value
    assert form.values["note"] == "\nkept"
    assert form.values["pin"] == "secret 77", "what was typed into this form and stored nowhere is not lost either"
    assert "Not saved yet" in words(form.page)


def test_a_refused_form_keeps_its_files_without_asking_for_them_again(clinic: World) -> None:
    web = clinic.browser("cai")
    form = form_at(web, "/thing/new").fill(
        paper=(b"Hello", "paper.txt"), papers=(b"A", "a.txt"), hand=(b"no picture", "x.png")
    )

    again = form.refused()
    assert set(again.problems) >= {"name", "hand"}
    assert "paper.txt" in again.page

    again.values.poplist("keep-hand")
    again.fill(name="Vase")
    page = web.text(again.saved())

    [link] = re.findall(r'href="(/files/[^"]+)">paper.txt', page)
    assert web.get(link).data == b"Hello"
    assert "a.txt" in page


def test_a_file_is_taken_away_by_unticking_it_and_replaced_by_another(clinic: World) -> None:
    web = clinic.browser("cai")
    address = form_at(web, "/thing/new").fill(name="Vase", paper=(b"One", "one.txt"), papers=(b"A", "a.txt")).saved()

    form = form_at(web, f"{address}/edit").fill(paper=(b"Two", "two.txt"), keep__papers=None)
    page = web.text(form.saved())

    facts, _, told = page.partition("record-side")
    assert "two.txt" in facts
    assert "one.txt" not in facts
    assert "a.txt" not in facts
    assert "one.txt" in told, "history knows what it was called"


# --- a new record


def test_a_new_form_begins_with_the_defaults_that_are_known(clinic: World) -> None:
    form = form_at(clinic.browser("cai"), "/visit/new")

    with clinic.site.reading(clinic.site.principal(clinic.ids["cai"])) as reader:
        today = reader.access.env()["today"]
    assert form.values["on_date"] == today.isoformat()
    assert form.values["stage"] == "booked"
    assert form.values["owner"] == "Cai"
    assert form.options["stage"] in (["booked"], ["", "booked"]), "records start where they start"


def test_a_default_can_be_emptied_and_one_that_depends_on_others_follows_them(clinic: World, anna: str) -> None:
    web = clinic.browser("cai")

    address = form_at(web, "/visit/new").fill(subject="Check", patient="Anna", on_date="").saved()
    assert stored(clinic, "visit", address)["on_date"] is None

    address = form_at(web, "/thing/new?pieces=4").fill(name="Four", pieces="5").saved()
    assert stored(clinic, "thing", address)["double"] == 10


def test_the_address_of_a_new_form_fills_it_in_and_nonsense_in_it_does_no_harm(clinic: World, anna: str) -> None:
    web = clinic.browser("cai")

    form = form_at(web, f"/visit/new?patient={anna}&subject=Call&fee=nonsense&items=1&stage=seen&id_card=5&on_date=x")
    assert form.values["patient"] == "Anna"
    address = form.saved()

    assert stored(clinic, "visit", address)["patient"] == anna
    assert stored(clinic, "visit", address)["subject"] == "Call"


def test_a_form_that_is_sent_twice_makes_one_record(clinic: World, anna: str) -> None:
    form = form_at(clinic.browser("cai"), "/visit/new").fill(subject="Check", patient="Anna")

    assert form.saved() == form.saved()

    again = form.fill(subject="Other", on_date="2020-01-01").refused()
    assert "saved once already" in words(again.page)
    assert again.values["subject"] == "Other"
    assert again.saved() != form.action


def test_after_saving_one_goes_back_to_where_one_came_from_but_never_elsewhere(clinic: World, anna: str) -> None:
    web = clinic.browser("cai")

    assert (
        form_at(web, f"/visit/new?patient={anna}&back=/contact/{anna}").fill(subject="A").saved() == f"/contact/{anna}"
    )
    address = form_at(web, f"/visit/new?patient={anna}&back=//evil.example").fill(subject="B", on_date="").saved()
    assert address.startswith("/visit/")


# --- links


def test_a_name_that_several_records_have_is_asked_about(clinic: World) -> None:
    one, two = clinic.create("contact", {"name": "王伟", "city": "北京"}, {"name": "王伟", "city": "上海"})
    web = clinic.browser("cai")
    assert re.findall(r'link-told">(\w+)', web.text("/lookup/visit/patient?q=王")) in (
        ["上海", "北京"],
        ["北京", "上海"],
    )

    form = form_at(web, "/visit/new").fill(subject="Check", patient="王伟").refused()

    assert form.options["pick-patient"] == ["", *form.options["pick-patient"][1:]]
    assert set(form.options["pick-patient"][1:]) == {one, two}
    assert "王伟 · 上海" in html.unescape(form.page)
    address = form.fill(pick__patient=two).saved()
    assert stored(clinic, "visit", address)["patient"] == two


def test_several_links_take_several_names_and_lose_those_that_are_unticked(clinic: World, anna: str) -> None:
    bob, carl = clinic.create("contact", {"name": "Bob"}, {"name": "Carl"})
    web = clinic.browser("cai")
    address = form_at(web, "/thing/new").fill(name="Vase", add__friends="Anna; Bob").saved()
    assert set(stored(clinic, "thing", address)["friends"]) == {anna, bob}

    form = form_at(web, f"{address}/edit").fill(friends=[anna], add__friends="Carl")
    form.saved()

    assert set(stored(clinic, "thing", address)["friends"]) == {anna, carl}


def test_choices_are_those_that_fit_what_stands_in_the_form(clinic: World, anna: str) -> None:
    clinic.create("contact", {"name": "Anton", "city": "Kiel"})
    web = clinic.browser("cai")

    def offered(address: str) -> list[str]:
        return re.findall(r'data-title="([^"]*)"', web.text(address))

    assert offered("/lookup/visit/patient?q=an") == ["Anna", "Anton"]
    assert offered("/lookup/thing/maker?q=an&town=Kiel") == ["Anton"]
    assert offered("/lookup/thing/maker?q=an&town=") == []
    address = form_at(web, "/thing/new").fill(name="Vase", town="Bonn").saved()
    assert offered(f"/lookup/thing/maker?record={address.rsplit('/', 1)[1]}") == ["Anna"]
    assert web.get("/lookup/thing/name?q=a").status_code == 400
    assert "Nothing found" in web.text("/lookup/visit/patient?q=zzz")


def test_a_link_to_what_does_not_fit_is_refused_without_a_script_too(clinic: World, anna: str) -> None:
    form = form_at(clinic.browser("cai"), "/thing/new").fill(name="Vase", town="Kiel", maker="Anna").refused()

    assert "maker" in form.problems
    assert form.values["maker"] == "Anna"


# --- child rows


def test_child_rows_are_made_changed_and_removed_in_the_form_of_their_parent(clinic: World, anna: str) -> None:
    web = clinic.browser("cai")
    form = form_at(web, "/visit/new").fill(subject="Check", patient="Anna")
    form.fill(
        items__0__what="X-ray",
        items__0__amount="80",
        items__0__helper="Anna",
        items__1__what="Blood",
        items__1__amount="12.5",
    )
    form.fill(items__0__scan=(b"scan", "scan.txt"))
    address = form.saved()
    assert stored(clinic, "visit", address)["total"] == Decimal("92.50")
    assert "scan.txt" in web.text(f"{address}/edit")

    form = form_at(web, f"{address}/edit")
    assert form.values["items-0-what"] == "X-ray"
    assert form.values["items-0-helper"] == "Anna"
    form.fill(items__0__delete="1", items__1__amount="20").saved()

    [left] = children(clinic, address)
    assert (left["what"], left["amount"]) == ("Blood", Decimal("20.00"))
    assert stored(clinic, "visit", address)["total"] == Decimal("20.00")


def test_more_rows_come_without_a_script_and_nothing_typed_is_lost(clinic: World, anna: str) -> None:
    web = clinic.browser("cai")
    form = form_at(web, "/visit/new").fill(
        subject="Check", patient="Anna", items__1__what="Second", items__1__amount="2"
    )

    more = form.refused(200, more="items")

    assert int(more.values["count-items"]) > int(form.values["count-items"])
    last = int(more.values["count-items"]) - 1
    assert more.values["subject"] == "Check"
    address = more.fill(**{f"items__{last}__what": "Last", f"items__{last}__amount": "3"}).saved()
    assert [row["what"] for row in children(clinic, address)] == ["Second", "Last"]


def test_what_is_wrong_in_a_child_row_stands_in_that_row_though_rows_before_it_are_empty(
    clinic: World, anna: str
) -> None:
    form = form_at(clinic.browser("cai"), "/visit/new").fill(
        subject="Check", patient="Anna", items__1__what="Scan", items__1__amount="-1"
    )

    again = form.refused()

    assert set(again.problems) == {"items-1-amount"}
    assert again.values["items-1-what"] == "Scan"


def test_a_row_in_which_nothing_but_one_field_is_filled_in_is_a_row(clinic: World, anna: str) -> None:
    again = (
        form_at(clinic.browser("cai"), "/visit/new")
        .fill(subject="Check", patient="Anna", items__0__amount="5")
        .refused()
    )

    assert set(again.problems) == {"items-0-what"}


def test_a_hundred_child_rows_come_back_whole(clinic: World, anna: str) -> None:
    items = [{"what": f"Item {number}", "amount": number} for number in range(150)]
    address = visit(clinic, anna, items=items)

    form_at(clinic.browser("cai"), f"{address}/edit").fill(items__149__amount="9999").saved()

    assert [row["what"] for row in children(clinic, address)] == [row["what"] for row in items]
    assert children(clinic, address)[149]["amount"] == Decimal("9999.00")


# --- rights and conditions


def test_what_one_may_only_read_is_shown_and_what_is_hidden_is_not(clinic: World) -> None:
    [id_] = clinic.create(
        "thing", {"name": "Vase", "price": "99", "pieces": 2, "mail": "anna@example.com", "pin": "1234"}
    )

    form = form_at(clinic.browser("nia"), f"/thing/{id_}/edit")

    assert "price" not in form.names
    assert "€99.00" in form.page
    assert "mail" not in form.names
    assert "anna@example.com" not in form.page
    assert "••••@example.com" in form.page
    assert "Worth" not in form.page
    assert "fixed" not in form.names
    assert "1234" not in form.page


def test_values_for_fields_that_one_may_not_write_are_not_taken(clinic: World) -> None:
    [id_] = clinic.create("thing", {"name": "Vase", "price": "99"})
    web = clinic.browser("nia")
    form = form_at(web, f"/thing/{id_}/edit")
    form.names |= {"price", "was-price"}

    form.fill(price="1", **{"was-price": "99.00"})
    again = form.refused()

    assert "1" in words(again.page)
    assert stored(clinic, "thing", f"/thing/{id_}")["price"] == Decimal("99.00")


def test_conditions_hold_on_the_server(clinic: World) -> None:
    [plain, fake] = clinic.create(
        "thing", {"name": "Plain", "why": "never seen"}, {"name": "Fake", "kind": "fake", "why": "Copy", "ready": False}
    )
    web = clinic.browser("cai")

    assert "never seen" not in web.text(f"/thing/{plain}").split("record-side")[0]
    assert "Copy" in web.text(f"/thing/{fake}")
    assert 'is-off" data-field="why"' in web.text(f"/thing/{plain}/edit")
    assert 'is-off" data-field="why"' not in web.text(f"/thing/{fake}/edit")
    needed = form_at(web, "/thing/new").fill(name="New", kind="fake").refused()
    assert set(needed.problems) == {"why"}
    assert 'data-field="why"' in needed.page
    assert 'is-off" data-field="why"' not in needed.page, "what was typed counts, not what is stored"
    assert set(form_at(web, "/thing/new").fill(name="New", kind="fake", ready="true", why="x").refused().problems) == {
        "kind"
    }


def test_a_field_that_is_locked_as_the_record_is_stored_is_only_shown(clinic: World) -> None:
    [id_] = clinic.create("thing", {"name": "Vase", "ready": True, "sealed": "wax"})
    web = clinic.browser("cai")

    form = form_at(web, f"/thing/{id_}/edit")
    assert "sealed" not in form.names
    assert "wax" in form.page
    form.fill(ready=None).saved()

    assert "sealed" in form_at(web, f"/thing/{id_}/edit").names


def test_a_check_of_the_record_stands_at_its_field(clinic: World, anna: str) -> None:
    address = visit(clinic, anna, "nia")
    form = form_at(clinic.browser("nia"), f"{address}/edit").fill(stage="seen").refused()

    assert form.problems == {"fee": ["A seen visit has a fee"]}
    assert form.values["stage"] == "seen"


def test_a_broken_rule_of_several_fields_is_told_above_the_form(clinic: World, anna: str) -> None:
    visit(clinic, anna)
    web = clinic.browser("cai")

    again = form_at(web, "/visit/new").fill(subject="Other", patient="Anna").refused()

    assert "Not saved yet" in words(again.page)
    assert again.values["subject"] == "Other"


# --- the rest


def test_a_form_costs_eight_statements_at_most(clinic: World, anna: str) -> None:
    web = clinic.browser("cai")
    address = visit(
        clinic, anna, items=[{"what": f"Item {number}", "amount": number, "helper": anna} for number in range(30)]
    )
    values = {"name": "V", "maker": None, "friends": [anna], "about": f"contact/{anna}", "keeper": clinic.ids["cai"]}
    thing = f"/thing/{clinic.create('thing', values)[0]}"

    for page in ("/visit/new", "/thing/new", f"{address}/edit", f"{thing}/edit"):
        web.text(page)
        with clinic.statements() as seen:
            web.text(page)
        assert len(seen) <= 8, (page, seen)


def test_hostile_words_are_words_everywhere(clinic: World) -> None:
    [person] = clinic.create("contact", {"name": HOSTILE, "city": HOSTILE})
    texts = dict.fromkeys(("name", "note", "town", "why", "sealed", "greeting"), HOSTILE)
    web = clinic.browser("cai")
    form = form_at(web, "/thing/new").fill(
        words="<script>alert(1)</script>", extra='{"<script>alert(1)</script>": "</textarea>"}', **texts
    )
    form.names.add("friends")
    form.fill(
        friends=[person], about=HOSTILE, paper=(b"x", "<script>alert(1)</script>.txt"), **{"place.street": HOSTILE}
    )
    form.fill(story=HOSTILE)
    thing = form.saved()
    address = (
        form_at(web, f"/visit/new?patient={person}")
        .fill(subject=HOSTILE, items__0__what=HOSTILE, items__0__amount="1")
        .saved()
    )
    form_at(web, f"{address}/edit").fill(subject=f"{HOSTILE}2", items__0__what=f"{HOSTILE}2").saved()

    pages = [web.text(f"{each}{tail}") for each in (thing, address) for tail in ("", "/edit", "/history")]
    pages += [web.text(f"/contact/{person}?tab=related"), web.text("/lookup/visit/patient?q=script")]
    pages.append(form_at(web, f"{address}/edit").fill(patient=HOSTILE, fee=HOSTILE).refused().page)

    for page in pages:
        assert "<script>alert" not in page
        assert '</textarea>"' not in page
        assert "49" not in re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32,}", "", words(page))
    assert HOSTILE in html.unescape(pages[0])


def test_a_field_that_appears_while_a_form_is_open_is_asked_for_and_one_that_goes_is_told(
    clinic: World, anna: str
) -> None:
    web = clinic.browser("cai")
    open_form = form_at(web, "/visit/new").fill(subject="Check", patient="Anna", fee="120")
    edited = form_at(web, f"{visit(clinic, anna, subject='Old', on_date='2020-01-01')}/edit").fill(
        subject="New", fee="70"
    )
    publish(
        clinic,
        DOCUMENTS.replace(
            "  fee: {type: money",
            "  room: {type: text, label: {en: Room, zh: 房间}, required: true}\n  fee: {type: money",
        ),
    )

    again = open_form.refused()
    assert set(again.problems) == {"room"}
    assert again.values["fee"] == "120"
    assert again.fill(room="12").saved()

    without = re.sub(r"(?m)^  fee: .*\n", "", DOCUMENTS)
    publish(clinic, re.sub(r"(?s)checks:.*?unique:", "unique:", without))
    told = edited.refused()
    assert "Fee" in words(told.page)
    assert "70" in words(told.page)
    assert told.values["subject"] == "New"
    address = told.saved()
    assert stored(clinic, "visit", address, "subject")["subject"] == "New"


def publish(world: World, text: str) -> None:
    (world.site.config.folder / "schemas" / "world.yaml").write_text(text, "utf-8")
    world.site.publish(accept={"visit.fee": 10}) if "fee:" not in text else world.site.publish()


def test_the_same_forms_work_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    ids = build(tmp_path / "site", DOCUMENTS, postgres_url, PEOPLE)
    site = Site.open(tmp_path / "site", database_url=postgres_url)
    world = World(site, create_app(site), ids)
    [anna] = world.create("contact", {"name": "Anna"})
    web = world.browser("cai")

    form = form_at(web, "/visit/new").fill(
        subject="Check", patient="Anna", items__0__what="Scan", items__0__amount="5", fee="3"
    )
    address = form.saved()
    first, second = form_at(web, f"{address}/edit"), form_at(world.browser("eve"), f"{address}/edit")
    first.fill(subject="Mine", items__0__amount="6").saved()
    again = second.fill(subject="Yours", items__0__what="Scan 2").refused(409)
    again.fill(**{"choose-subject": "mine"}).saved()
    thing = (
        form_at(web, "/thing/new")
        .fill(name="Vase", size="1.5", add__friends="Anna", paper=(b"x", "x.txt"), extra="[1]")
        .saved()
    )

    made = stored(world, "visit", address)
    assert (made["subject"], made["patient"], made["total"]) == ("Yours", anna, Decimal("6.00"))
    assert children(world, address)[0]["what"] == "Scan 2"
    for page in (address, f"{address}/edit", f"{address}/history", thing, f"{thing}/edit"):
        assert web.get(page).status_code == 200
    web.follow(
        web.submit(f"{address}/transition/miss", {"asked": "why_missed", "was-why_missed": "", "why_missed": "Ill"})
    )
    assert stored(world, "visit", address)["stage"] == "missed"

    visit = address.rsplit("/", 1)[1]
    for number in range(MOST + 1):
        site.drafts.keep(ids["cai"], "visit", visit, f"key{number:03}", [("subject", "Half")], 2)
    cell = web.get(f"{address}/cell/subject", **{"HX-Request": "true"})
    assert cell.status_code == 200
    with site.database.read() as connection:
        found = site.drafts.of(connection, ids["cai"], "visit", visit)
    assert (len(found), found[0].pairs, found[0].version) == (MOST, [("subject", "Half")], 2)
    site.records.delete(SYSTEM, "visit", [visit])
    site.records.purge(SYSTEM, "visit", [visit])
    with site.database.read() as connection:
        assert site.drafts.of(connection, ids["cai"], "visit", visit) == [], (
            "what was typed about it goes with a record"
        )
    site.close()
