"""Whatever comes from outside: it is taken or refused with a reason, nothing breaks, and nothing else changes."""

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from engine import SYSTEM, GuanxiError, ImportOptions, Query
from engine.storage.database import run
from engine.storage.guard import ENTITY_ACCESS
from tests.functional.hardening.conftest import ON_BOTH
from tests.functional.hardening.test_web import routes
from tests.functional.screens.world import Web, World

HERE = {"Origin": "http://localhost"}
JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**30, 1e308, "", " ", "x" * 70_000, "\0", "a\0b", "\u202eevil",
    "\ufeff", "😀" * 200, "' OR 1=1 --", "1; DROP TABLE core_user", "../../etc/passwd", "%00%0a", "${7*7}", "{{7*7}}",
    "<script>alert(1)</script>", "=1+1", "NaN", "Infinity", "-0", "1e9999", "9" * 400, "99999-99-99", "2031-02-30",
    "0000-00-00T99:99:99Z", [], {}, [[]], [None], [True, {}], {"a": {"b": []}}, {"id": "x", "title": None},
    ["x"] * 1_100, {"": ""}, {"title": "\0"}, {"entity": "user", "id": 5},
)  # fmt: skip
CRAFTED = (
    "'", "1 OR 1=1", "..%2f..%2fetc%2fpasswd", "%00", "%0d%0aX-Injected:%201", "%f0%9f%98%80%ed%a0%80", "%e2%80%ae",
    "x" * 5_000, "-1", "{{7*7}}", "<script>", "__class__", "constructor", "deal.owner.name", "01a202f3-c05e-71e6-b5d3",
)  # fmt: skip


HALVES = ("\ud800", "\udfff\ud800")
"""Halves of characters, which JSON can write as escapes and nothing can hold."""


def stored(house: World) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every entity, as the database has it."""
    model = house.site.published.model
    found = {}
    with house.site.database.read() as connection:
        for entity in model.entities:
            table = house.site.published.tables.name(entity)
            rows = run(connection, f'SELECT * FROM "{table}" ORDER BY id', (), access=ENTITY_ACCESS).fetchall()
            found[entity] = [tuple(map(str, row)) for row in rows]
    return found


@pytest.fixture(scope="module")
def known(house: World) -> Mapping[str, str]:
    """The id of one record of each entity."""
    ids = {}
    [ids["contact"]] = house.create("contact", {"name": "Anna", "mobile": "13800138000"})
    [ids["visit"]] = house.create(
        "visit",
        {"subject": "Cough", "patient": ids["contact"], "id_card": "110", "items": [{"what": "Syrup", "amount": "3"}]},
    )
    [ids["thing"]] = house.create("thing", {"name": "Vase", "price": "7", "pieces": 2, "mail": "v@example.com"})
    ids["user"] = house.ids["ada"]
    return ids


def sane(response: TestResponse, what: str) -> None:
    assert response.status_code < 500, f"{what}: {response.status_code}"
    assert "Traceback" not in response.text, what
    assert "sqlalchemy" not in response.text.lower(), what
    assert "X-Injected" not in response.headers, what


# --- addresses


def test_no_crafted_address_breaks_a_page(house: World, known: Mapping[str, str]) -> None:
    before = stored(house)
    web = house.browser("ada")
    for rule in house.app.url_map.iter_rules():
        names = [name for name in rule.arguments if f"<uuid:{name}>" not in rule.rule]
        for crafted in CRAFTED if rule.arguments else ():
            address = rule.rule
            for name in rule.arguments:
                value = crafted if name in names and (name != "entity" or len(names) == 1) else known["user"]
                value = "thing" if name == "entity" and value is not crafted else value
                address = re.sub(rf"<(?:\w+:)?{name}>", value, address)
            sane(web.get(address), address[:200])
            if not rule.arguments - set(names):
                continue
            # An id of another entity, and none at all.
            for entity in ("visit", "visit_item", "user", "file"):
                sane(web.get(address.replace("/thing/", f"/{entity}/")), address[:200])
            break
    assert stored(house) == before


def test_no_crafted_address_breaks_a_post(house: World, known: Mapping[str, str]) -> None:
    before = stored(house)
    web = house.browser("nia")
    token = web.token()
    for rule, method, address in routes(house.app, changing=True):
        if "logout" in address or not rule.arguments:
            continue
        for crafted in ("'--", "%00", "x" * 3_000, "{{7*7}}"):
            crafted_address = re.sub(r"/(x|deal)(?=/|$)", f"/{crafted}", address)
            body: dict[str, Any] = {"json": {}} if address.startswith("/api/") else {"data": {"_token": token}}
            sane(web.client.open(crafted_address, method=method, headers=HERE, **body), crafted_address[:200])
    assert stored(house) == before


@ON_BOTH
def test_no_parameter_breaks_a_page(house: World) -> None:
    web = house.browser("nia")
    names = (
        "q", "filter", "order", "cursor", "rows", "before", "view", "page", "id", "f.name", "name", "limit", "fields",
        "group", "aggregate", "having", "trashed", "ids", "count", "prefix", "record", "next", "maker", "_token",
    )  # fmt: skip
    values = (
        "\0",
        "\ud800",
        "'",
        "x" * 20_000,
        "((((" * 2_000,
        "-",
        "a.b.c.d.e",
        "1e999",
        "not " * 3_000 + "1",
        "\u202e",
        "=",
    )
    addresses = (
        "/thing",
        "/thing/rows",
        "/thing/count",
        "/search",
        "/thing/new",
        "/lookup/thing/maker",
        "/api/v1/thing",
    )
    for address in addresses:
        for value in values:
            text = quote(value.encode("utf-8", "surrogatepass"))
            sane(web.get(f"{address}?{'&'.join(f'{name}={text}' for name in names)}"), f"{address} {value[:9]!r}")
            for name in names:
                if value in {"\0", "'"}:
                    sane(web.get(f"{address}?{name}={text}&{name}=1&{name}="), f"{address} {name}")


# --- values


def fields_of(house: World, entity: str) -> Iterator[str]:
    yield from house.site.published.model.entities[entity].fields


@ON_BOTH
@pytest.mark.parametrize("entity", ["thing", "visit", "contact"])
def test_no_value_breaks_a_field(house: World, known: Mapping[str, str], entity: str) -> None:
    web = house.browser("ada")
    for field in fields_of(house, entity):
        for part in (JUNK[:22], JUNK[22:]):
            operations: list[Any] = [{"update": {"id": known[entity], "values": {field: junk}}} for junk in part]
            operations += [{"create": {field: junk}} for junk in part]
            response = post(web, f"/api/v1/{entity}/bulk", {"atomic": False, "operations": operations})

            sane(response, f"{entity}.{field}")
            assert response.status_code in {200, 207}, response.text[:500]
            for junk, outcome in zip(part + part, response.get_json()["data"], strict=True):
                assert outcome["status"] in {200, 201, 400, 403, 404, 409, 422}, f"{field}={junk!r}: {outcome}"
    with house.site.reading(SYSTEM) as reader:
        assert reader.record(entity, known[entity]).id == known[entity]


def post(web: Web, address: str, body: Any, method: str = "POST") -> TestResponse:
    """Send JSON; what no JSON can hold, such as half a character, is written as an escape."""
    return web.client.open(address, method=method, data=json.dumps(body), content_type="application/json", headers=HERE)


@pytest.mark.parametrize("entity", ["thing", "visit"])
def test_no_posted_form_breaks(house: World, known: Mapping[str, str], entity: str) -> None:
    web = house.browser("ada")
    token = web.token()
    keys = list(fields_of(house, entity))
    for junk in (*HALVES, *(each for each in JUNK[::2] if isinstance(each, str))):
        value = junk.encode("utf-8", "surrogatepass")
        data: dict[str, Any] = {"_token": token, "version": value, "count-items": value, "unknown": value}
        for key in keys:
            data |= {f"was-{key}": "", key: value, f"id-{key}": value, f"title-{key}": value, f"kind-{key}": value}
            data |= {f"{key}.{part}": value for part in ("lat", "city", "amount")}
        for address in (f"/{entity}/new", f"/{entity}/{known[entity]}/edit"):
            sane(web.client.post(address, data=data, headers=HERE), f"{address} {junk[:20]!r}")


@pytest.mark.parametrize(
    "place",
    ["where", "order_by", "select", "group_by", "aggregates", "having", "limit", "cursor", "ids", "search"],
)
@ON_BOTH
def test_no_query_breaks(house: World, place: str) -> None:
    web = house.browser("nia")
    for junk in JUNK:
        response = post(web, "/api/v1/thing/query", {place: junk})

        sane(response, f"{place}={junk!r:.60}")
        assert response.status_code in {200, 400, 422}, f"{place}={junk!r:.60}: {response.status_code}"


NO_JSON = (
    b"", b"null", b"[]", b"1", b"{", b'{"a":1,"a":2,', b"\xff\xfe", b'"\\ud800"', b"NaN", b"{}{}",
    b'{"name": "\\ud800"}', b'{"\\ud800": 1}',
)  # fmt: skip


@pytest.mark.parametrize("body", NO_JSON)
def test_what_is_no_json_is_refused_in_words(house: World, known: Mapping[str, str], body: bytes) -> None:
    web = house.browser("ada")
    for method, address in (
        ("POST", "/api/v1/thing"), ("PATCH", f"/api/v1/thing/{known['thing']}"), ("POST", "/api/v1/thing/query"),
        ("POST", "/api/v1/thing/bulk"),
    ):  # fmt: skip
        response = web.client.open(address, method=method, data=body, content_type="application/json", headers=HERE)

        assert response.status_code == 400, address
        assert response.get_json()["title"]


def test_operations_of_wrong_shapes_are_refused(house: World, known: Mapping[str, str]) -> None:
    before = stored(house)["thing"][:1]
    web = house.browser("ada")
    for junk in JUNK:
        for body in (
            {"operations": junk},
            {"operations": [{"create": junk}]},
            {"operations": [{"update": junk}]},
            {"operations": [{"update": {"id": junk, "values": junk}}]},
            {"operations": [{"update": {"where": junk, "values": {"note": "x"}}}]},
            {"operations": [{"upsert": {"on": junk, "values": {"name": "x"}}}]},
            {"operations": [{"delete": {"ids": junk}}]},
            {"operations": [{"delete": {"id": junk}}]},
            {"operations": [{"nonsense": junk}]},
        ):
            sane(post(web, "/api/v1/thing/bulk", body), repr(body)[:120])
    assert stored(house)["thing"][:1] == before


# --- what may not be asked, and not be set

HIDDEN = "worth"
"""A field that Nia may not know of."""


@pytest.mark.parametrize(
    "address",
    [
        "/thing?filter={} > 1", "/thing?order={}", "/thing?order=-{}", "/thing?{}=1", "/thing?f.{}=1",
        "/thing/rows?order={}",
        "/thing/count?filter={} is None", "/api/v1/thing?filter={} > 1", "/api/v1/thing?order={}",
        "/api/v1/thing?fields={}", "/api/v1/thing?{}[gt]=1", "/api/v1/thing/{}", "/lookup/thing/{}?q=a",
        "/thing/new?{}=1", "/api/v1/visit?filter=about.{} > 1",
    ],
)  # fmt: skip
def test_a_hidden_field_is_answered_like_one_that_does_not_exist(
    house: World, known: Mapping[str, str], address: str
) -> None:
    web = house.browser("nia")

    hidden, unknown = (web.get(address.format(name)) for name in (HIDDEN, "wxrth"))

    assert hidden.status_code == unknown.status_code
    assert same(hidden.text) == same(unknown.text)
    assert "worth" not in unknown.text


def same(text: str) -> str:
    """Return a page without what is another at every answer, and without the name that was asked for."""
    text = re.sub(r"[0-9a-f]{128}|[0-9a-f-]{36}|request:[0-9a-f]{16}|\d\d:\d\d:\d\d[.\d]*", "", text)
    text = re.sub(r"\((a text stands|did you mean)[^)]*\)", "", text)
    return text.replace("wxrth", HIDDEN).replace("Wxrth", HIDDEN.title())


@pytest.mark.parametrize(
    "body",
    [
        {"where": "{} > 1"}, {"order_by": ["{}"]}, {"select": ["{}"]}, {"group_by": ["{}"], "aggregates": ["count"]},
        {"aggregates": ["sum({})"]}, {"group_by": ["kind"], "aggregates": ["count"], "having": "{} > 1"},
    ],
)  # fmt: skip
def test_a_query_for_a_hidden_field_is_answered_like_one_for_none(
    house: World, known: Mapping[str, str], body: Any
) -> None:
    web = house.browser("nia")

    hidden, unknown = (
        post(web, "/api/v1/thing/query", json.loads(json.dumps(body).replace("{}", name))) for name in (HIDDEN, "wxrth")
    )

    assert hidden.status_code == unknown.status_code
    assert same(hidden.text) == same(unknown.text)


@pytest.mark.parametrize("name", [HIDDEN, "wxrth"])
def test_writing_what_may_not_be_known_is_refused_alike(house: World, known: Mapping[str, str], name: str) -> None:
    web = house.browser("nia")

    answers = [
        post(web, "/api/v1/thing", {"name": "x", name: 1}),
        post(web, f"/api/v1/thing/{known['thing']}", {name: 1}, "PATCH"),
    ]

    assert [each.status_code for each in answers] == [422, 422]
    assert [each.get_json()["errors"][0]["code"] for each in answers] == ["unknown", "unknown"]


FORGED: Mapping[str, Any] = {
    "id": "01a202f3-c05e-71e6-b5d3-ac5cf497aa96",
    "created_at": "1999-01-01T00:00:00Z",
    "created_by": "01a202f3-c05e-71e6-b5d3-ac5cf497aa96",
    "updated_at": "1999-01-01T00:00:00Z",
    "updated_by": "01a202f3-c05e-71e6-b5d3-ac5cf497aa96",
    "deleted_at": "1999-01-01T00:00:00Z",
    "number": "T-9999",
    "fixed": "changed",
    "worth": "1000000",
    "double": None,
}


@pytest.mark.parametrize("field", [each for each in FORGED if each != "double"])
def test_what_the_site_sets_itself_nobody_else_does(house: World, known: Mapping[str, str], field: str) -> None:
    web, id_ = house.browser("cai"), known["thing"]
    token = web.token()
    before = row_of(house, id_)

    value = FORGED[field]
    created = post(web, "/api/v1/thing", {"name": "forged", field: value})
    post(web, f"/api/v1/thing/{id_}", {field: value}, "PATCH")
    post(web, "/api/v1/thing/bulk", {"operations": [{"update": {"id": id_, "values": {field: value}}}]})
    post(web, "/api/v1/thing/bulk", {"operations": [{"update": {"where": "name == 'Vase'", "values": {field: value}}}]})
    form = {"_token": token, "version": "1", f"was-{field}": "", field: value, "was-name": "Vase", "name": "Vase"}
    web.client.post(f"/thing/{id_}/edit", data=form, headers=HERE)
    web.client.post("/thing/bulk/edit", data={"_token": token, "id": id_, "field": field, "value": value}, headers=HERE)

    after = row_of(house, id_)
    assert {key: each for key, each in after.items() if key not in {"version", "updated_at", "updated_by"}} == {
        key: each for key, each in before.items() if key not in {"version", "updated_at", "updated_by"}
    }
    assert str(after["updated_at"])[:4] != "1999"
    assert str(after["updated_by"]) != FORGED["id"]
    if created.status_code == 201 and field != "id":  # a client may give a new record an id that nobody has
        assert str(created.get_json().get(field)) != str(value)


def test_an_id_that_is_taken_is_not_given_away(house: World, known: Mapping[str, str]) -> None:
    web, before = house.browser("cai"), row_of(house, known["thing"])

    for entity, id_ in (("thing", known["thing"]), ("thing", known["contact"]), ("visit", known["visit"])):
        answer = post(web, f"/api/v1/{entity}", {"name": "Mine", "id": id_})
        assert answer.status_code in {201, 409, 422}, answer.text

    assert row_of(house, known["thing"]) == before


def row_of(house: World, id_: str) -> dict[str, Any]:
    with house.site.reading(SYSTEM) as reader:
        return dict(reader.record("thing", id_).values())


def test_only_who_may_hand_on_gives_a_record_away(house: World) -> None:
    web = house.browser("nia")
    [mine] = [
        each.id
        for each in house.site.records.create(house.site.principal(house.ids["nia"]), "thing", [{"name": "Mine"}])
    ]

    given = post(web, f"/api/v1/thing/{mine}", {"owner": house.ids["cai"]}, "PATCH")

    assert given.status_code in {403, 422}
    assert row_of(house, mine)["owner"] == house.ids["nia"]


def test_an_import_sets_nothing_that_the_site_sets_itself(
    house: World, known: Mapping[str, str], tmp_path: Any
) -> None:
    file = tmp_path / "things.csv"
    file.write_text("name,created_at,version,number\nImported,1999-01-01T00:00:00Z,77,T-9999\n")
    who = house.site.principal(house.ids["ada"])
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("columns: {name: name, created_at: created_at, version: version, number: number}\n")
    for chosen in (None, mapping):
        with suppress(GuanxiError):
            house.site.import_file(who, "thing", file, ImportOptions(mapping=chosen))
    with house.site.reading(SYSTEM) as reader:
        found = reader.query(Query("thing", select=("name", "created_at", "number"), where=None, limit=200)).dicts()
        rows = [each for each in found if each["name"] == "Imported"]

    assert all(each["created_at"].year != 1999 and each["number"] != "T-9999" for each in rows)


# --- what was given to somebody else, or is no longer good


def test_a_cursor_of_somebody_else_is_worth_nothing(house: World) -> None:
    house.create("contact", *({"name": f"C{number}"} for number in range(5)))
    theirs = house.browser("ada").get("/api/v1/contact?limit=2&order=name").get_json()["next"]
    web = house.browser("nia")

    for cursor in (theirs, theirs[:-2], theirs[::-1], "x", theirs + "A", theirs.swapcase()):
        answer = web.get(f"/api/v1/contact?limit=2&order=name&cursor={cursor}")

        assert answer.status_code == 400, cursor
    assert web.get(f"/contact?cursor={theirs}").status_code in {400, 422}


@ON_BOTH
def test_a_key_is_for_one_request_of_one_person(house: World) -> None:
    ada, cai = house.browser("ada"), house.browser("cai")

    def create(web: Web, name: str) -> TestResponse:
        headers = {**HERE, "Idempotency-Key": "the same"}
        return web.client.post("/api/v1/contact", json={"name": name}, headers=headers)

    first, again, other, hers = create(ada, "One"), create(ada, "One"), create(ada, "Two"), create(cai, "One")

    assert (first.status_code, again.status_code, other.status_code, hers.status_code) == (201, 201, 422, 201)
    assert first.get_json()["id"] == again.get_json()["id"] != hers.get_json()["id"]
    for key in ("", "x" * 256, "\x01", "é" * 300):
        answer = ada.client.post(
            "/api/v1/contact", json={"name": "K"}, headers={**HERE, "Idempotency-Key": key.encode().decode("latin-1")}
        )
        assert answer.status_code in {201, 422}, repr(key)


def test_forged_tokens_and_cookies_are_nobody(house: World) -> None:
    good = (house.site.config.folder / "ada.cookie").read_text("utf-8")
    _id, token = house.site.identity.add_token(house.ids["ada"], "test", (), None)[:2]
    client = house.app.test_client()
    for forged in (
        "", "gx_", token[:-1], token + "x", token.upper(), "gx_" + "A" * 43, "null", "\x00", "é", "x" * 9_000,
        token[::-1],
    ):  # fmt: skip
        header = f"Bearer {forged}".encode().decode("latin-1")
        answer = client.get("/api/v1/thing", headers={"Authorization": header})
        assert answer.status_code == 401, repr(forged)[:50]
    for scheme in ("Basic YWRhOng=", "Bearer", "bearer  ", "Digest x", token):
        assert client.get("/api/v1/thing", headers={"Authorization": scheme}).status_code == 401, scheme
    for forged in ("", good[:-1], good + "x", good.swapcase(), "x" * 3_900, "é", token):
        other = house.app.test_client()
        other.set_cookie("guanxi", forged)
        assert other.get("/thing").status_code == 303, repr(forged)[:50]
    notices = house.app.test_client()
    for forged in ("x", "eyJfZmxhc2hlcyI6W119.aaaaaa.bbbb", "." * 300):
        notices.set_cookie("guanxi_notices", forged)
        assert notices.get("/login").status_code == 200


def test_values_that_come_twice_mean_what_the_first_says(house: World, known: Mapping[str, str]) -> None:
    web = house.browser("nia")

    refused = web.get("/api/v1/thing?filter=name == 'Once'&filter=True&fields=name")
    form = {"_token": [web.token(), "other"], "theme": ["dark", "light"]}
    answer = web.client.post("/settings", data=form)

    assert refused.status_code == 400  # a program would never learn which of the two was meant
    assert "guanxi_theme=dark" in answer.headers["Set-Cookie"]


def test_a_form_of_endless_parts_is_refused(house: World) -> None:
    web = house.browser("ada")
    data = f"_token={web.token()}&" + "&".join(["a=1"] * 60_000)

    answer = web.client.post(
        "/settings", data=data, content_type="application/x-www-form-urlencoded", headers={"Origin": "http://localhost"}
    )
    multipart = web.client.post(
        "/settings",
        data={f"f{number}": (io.BytesIO(b""), "a.txt") for number in range(300)} | {"_token": web.token()},
        content_type="multipart/form-data",
    )

    assert answer.status_code in {303, 403, 413}
    assert multipart.status_code in {303, 403, 413}


def test_a_table_that_is_exported_holds_no_formula(clinic: World) -> None:
    starts = ("=", "+", "-", "@", "\t=", "\r=", "＝")  # noqa: RUF001 - spreadsheets take a full-width one too
    clinic.create("thing", *({"name": f"{start}HYPERLINK(1)"} for start in starts))

    table = clinic.browser("ada").text("/thing/export.csv")

    assert not re.search(r'(?m)(^|,)"?[=+@\t\r]', table.replace("\r\n", "\n"))
