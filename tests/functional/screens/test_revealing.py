"""Masked values on screen and over REST: their marks, the look at the plain one, and forms that never store a mark."""

import datetime as dt

import pytest

from engine import SYSTEM
from tests.functional.screens.filling import form_at
from tests.functional.screens.world import World, words

CLIENT = {
    "name": "Acme",
    "phone": "13812345678",
    "mail": "anna@acme.example",
    "card": "6222 0212 3456 7890 123",
    "born": "1990-05-17",
    "code": "tulip-4711",
    "credit": "5000",
}


@pytest.fixture
def client(office: World) -> str:
    """The address of a client of Ben's."""
    [id_] = office.create("client", {**CLIENT, "owner": office.ids["ben"], "keeper": office.ids["eve"]})
    return f"/client/{id_}"


def audited(office: World, kind: str) -> list[tuple[str, str]]:
    """Return (actor, details) of the events of a kind."""
    with office.site.database.plain() as connection:
        rows = connection.exec_driver_sql(
            f"SELECT actor_id, details FROM audit_event WHERE kind = '{kind}' ORDER BY seq"
        )
        return [(row[0], row[1]) for row in rows]


def test_marks_tell_values_apart_by_their_last_characters(office: World, client: str) -> None:
    page = words(office.browser("ben").text(client))

    assert "Phone 138••••5678" in page
    assert "Bank card ••••0123" in page
    assert "Born ••••" in page
    assert "a•••" not in page
    assert "a••••@acme.example" in words(office.browser("cao").text(client))
    for value in ("13812345678", "6222", "1990-05-17", "May", "tulip", "5000"):
        assert value not in page


def test_show_gives_one_value_once_and_leaves_a_trace(office: World, client: str) -> None:
    web = office.browser("ben")
    page = web.text(client)
    assert f'action="{client}/reveal/phone"' in page
    assert f'action="{client}/reveal/card"' not in page

    answer = web.submit(f"{client}/reveal/phone")

    assert answer.status_code == 200
    assert "138 1234 5678" in words(answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "tulip" not in answer.text
    assert "138••••5678" in web.text(client)
    assert web.get(f"{client}/reveal/phone").status_code == 405
    [(actor, details)] = audited(office, "reveal")
    assert (actor, "phone" in details, "1381" in details) == (office.ids["ben"], True, False)
    assert "Ben looked at the masked value of Phone" in words(web.text(f"{client}/history"))
    assert "tulip-4711" in web.submit(f"{client}/reveal/code", {"reason": "the gate is shut"}).text
    assert "the gate is shut" in audited(office, "reveal")[1][1]
    part = web.submit(f"{client}/reveal/keeper", None, **{"HX-Request": "true"}).text
    assert "Eve" in part
    assert "<html" not in part


def test_only_whom_a_role_lets_may_reveal(office: World, client: str) -> None:
    ben, cao, ada = (office.browser(who) for who in ("ben", "cao", "ada"))

    assert ben.submit(f"{client}/reveal/card").status_code == 403
    assert ben.submit(f"{client}/reveal/credit").status_code == 404
    assert ben.submit(f"{client}/reveal/name").status_code == 404
    assert cao.submit(f"{client}/reveal/code").status_code == 403
    assert cao.submit(f"{client}/reveal/mail").status_code == 403
    assert "tulip-4711" in ada.submit(f"{client}/reveal/code").text
    assert office.browser("eve").submit(f"{client}/reveal/phone").status_code == 404
    assert len(audited(office, "reveal")) == 1


def test_a_value_is_revealed_over_rest_by_who_holds_the_scope(office: World, client: str) -> None:
    ben = office.ids["ben"]
    whole = office.site.identity.add_token(ben, "all")[1]
    reader = office.site.identity.add_token(ben, "reads", ("read", "client:update"))[1]
    address = f"/api/v1{client}/reveal"
    api = office.app.test_client()

    def ask(token: str, field: str) -> tuple[int, dict[str, object]]:
        answer = api.post(f"{address}/{field}", headers={"Authorization": f"Bearer {token}"}, json={"reason": "due"})
        return answer.status_code, answer.get_json()

    assert ask(whole, "born")[0] == 403
    assert ask(whole, "phone")[1]["value"] == "+8613812345678"
    assert ask(whole, "code")[1]["value"] == "tulip-4711"
    assert ask(whole, "nothing")[0] == 404
    assert ask(reader, "phone")[0] == 403
    about = api.get("/api/v1/meta/client", headers={"Authorization": f"Bearer {whole}"}).get_json()
    opens = {each["key"] for each in about["fields"] if each.get("revealable")}
    assert opens == {"phone", "code", "keeper"}
    [row] = api.get("/api/v1/client", headers={"Authorization": f"Bearer {whole}"}).get_json()["data"]
    assert (row["phone"], row["code"], row["born"]) == ("138••••5678", "••••", "••••")


def test_saving_a_form_never_stores_a_mark(office: World, client: str) -> None:
    """Ben sees the card masked as a seller, and may write it as one who fills in."""
    office.site.records.update(SYSTEM, "user", [{"id": office.ids["ben"], "roles": ["seller", "filler"]}])
    web = office.browser("ben")

    form = form_at(web, f"{client}/edit")
    assert {"born", "card", "keeper"} <= form.names
    assert "••••" not in "".join(form.values.getlist("card") + form.values.getlist("born"))
    form.fill(name="Acme Ltd").saved()

    record = client.rpartition("/")[2]
    with office.site.reading(SYSTEM) as reader:
        now = reader.record("client", record).values()
    assert (now["name"], now["card"], now["born"]) == ("Acme Ltd", CLIENT["card"], dt.date(1990, 5, 17))
    assert now["keeper"] == office.ids["eve"]
    form_at(web, f"{client}/edit").fill(card="6222 0212 3456 7890 999").saved()
    [updated] = office.site.records.update(
        office.site.principal(office.ids["ben"]), "client", [{"id": record, "card": "••••0999", "born": "••••"}]
    )
    assert updated.action == "unchanged"
    with office.site.reading(SYSTEM) as reader:
        assert reader.record("client", record).values()["card"] == "6222 0212 3456 7890 999"
