"""The document says what its reader may use, exactly: no field, verb or option more, and none less."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from engine import SYSTEM
from tests.functional.openapi.conftest import Described


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a document."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from parts(each)
    elif isinstance(value, list):
        for each in value:
            yield from parts(each)


# --- a sound document -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["ada", "nia", "bob", "gus"])
def test_the_document_is_sound_openapi_3_1(shown: Described, who: str) -> None:
    document = shown.document(who)

    jsonschema.Draft202012Validator(OPENAPI_31).validate(document)
    for each in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(each)
    for each in parts(document):
        if "$ref" in each:
            found: Any = document
            for step in each["$ref"].removeprefix("#/").split("/"):
                found = found[step]
    names = [
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict)
    ]
    assert len(names) == len(set(names))


def test_an_example_of_a_record_can_be_sent_as_it_is(clinic: Described) -> None:
    document = clinic.document()
    client = clinic.app.test_client()
    sent = {"Authorization": f"Bearer {clinic.tokens['ada']}"}
    for entity in ("contact", "thing"):
        [example] = schema(document, f"{entity}.create")["examples"]
        jsonschema.Draft202012Validator(schema(document, f"{entity}.create")).validate(example)

        answer = client.post(f"/api/v1/{entity}", json=example, headers=sent)

        assert answer.status_code == 201, answer.get_data(as_text=True)
    asked = document["paths"]["/thing/query"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert client.post("/api/v1/thing/query", json=asked["examples"][0], headers=sent).status_code == 200


def test_every_type_is_read_and_sent_as_described(clinic: Described) -> None:
    document = clinic.document()
    thing = schema(document, "thing")["properties"]
    sent = schema(document, "thing.create")["properties"]

    assert (thing["price"]["type"], sent["price"]["anyOf"][0]["type"]) == (["string", "null"], "string")
    assert {each["type"] for each in sent["price"]["anyOf"]} == {"string", "number", "null"}
    assert thing["kind"]["enum"] == ["old", "new", "fake", None]
    assert sent["pieces"]["maximum"] == 1000
    assert "maximum" not in thing["pieces"]
    assert thing["worth"]["readOnly"]
    assert {"worth", "number", "fixed", "created_at", "version"}.isdisjoint(sent)
    assert "id" in sent
    assert schema(document, "thing.create")["required"] == ["name"]
    assert sent["name"]["minLength"] == 1
    assert [sorted(each.get("properties", {})) for each in sent["maker"]["anyOf"]] == [
        [], ["id"], ["external_id"], ["title"], [],
    ]  # fmt: skip
    assert thing["maker"]["x-entity"] == "contact"
    assert sent["size"]["description"] == "In centimetres"
    assert schema(document, "visit.create")["properties"]["items"]["items"] == {
        "$ref": "#/components/schemas/visit_item.nested"
    }
    assert "id" not in schema(document, "visit_item.nested")["properties"]
    assert "id" in schema(document, "visit_item.nested_change")["properties"]


# --- rights -----------------------------------------------------------------------------------------------------------


def test_a_hidden_field_is_nowhere_and_a_masked_one_is_a_text(shown: Described) -> None:
    everything, nurse = shown.document("ada"), shown.document("nia")

    assert "id_card" in schema(everything, "visit")["properties"]
    assert not [each for each in parts(nurse) if "id_card" in each]
    assert "worth" not in schema(nurse, "thing")["properties"]
    assert schema(nurse, "thing")["properties"]["mail"]["x-masked"]
    assert "price" not in schema(nurse, "thing.create")["properties"]
    assert schema(nurse, "thing")["properties"]["price"]["readOnly"]


def test_only_what_may_be_done_has_an_address(shown: Described) -> None:
    everything, nurse, guest = (shown.document(who)["paths"] for who in ("ada", "nia", "gus"))

    assert "/visit/{id}/transition/see" in nurse
    assert set(everything["/contact/{id}"]) >= {"get", "patch", "delete"}
    assert set(nurse["/contact/{id}"]) == {"parameters", "get"}
    assert set(nurse["/contact"]) == {"get", "post"}
    assert "/contact/{id}/restore" not in nurse
    assert not [path for path in guest if path.startswith(("/contact", "/visit", "/thing"))]
    assert "/openapi.json" in guest


def test_options_names_the_methods_that_the_document_has(shown: Described) -> None:
    client = shown.app.test_client()
    allowed = {
        who: client.options(
            "/api/v1/contact/01990000-0000-7000-8000-000000000001",
            headers={"Authorization": f"Bearer {shown.tokens[who]}"},
        ).headers["Allow"]
        for who in ("ada", "nia")
    }

    assert allowed == {"ada": "DELETE, GET, HEAD, OPTIONS, PATCH", "nia": "GET, HEAD, OPTIONS"}


def test_a_method_that_is_not_described_is_405_whatever_is_sent(shown: Described) -> None:
    answer = shown.app.test_client().post(
        "/api/v1/department", data="nonsense", headers={"Authorization": f"Bearer {shown.tokens['nia']}"}
    )

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_developers_get_the_document_of_a_role(shown: Described) -> None:
    of_role = shown.document("bob", "?role=nurse")

    own = shown.document("nia")
    assert of_role["info"]["x-role"] == "nurse"
    assert of_role["paths"] == own["paths"]
    assert of_role["components"]["schemas"] == own["components"]["schemas"]
    assert shown.get("/openapi.json?role=nurse", "nia").status_code == 403
    assert shown.get("/openapi.json?role=nobody", "bob").status_code == 404
    assert shown.get("/openapi.json?rolle=nurse", "bob").status_code == 400


def test_a_token_with_few_scopes_has_a_small_document(clinic: Described) -> None:
    person = clinic.site.identity.find("ada@example.com")
    clinic.tokens["narrow"] = clinic.site.identity.add_token(person.id, "narrow", ("contact:read",), None)[1]

    paths = clinic.document("narrow")["paths"]

    assert set(paths["/contact"]) == {"get"}
    assert not [path for path in paths if path.startswith("/thing")]


# --- caching, languages, publication ----------------------------------------------------------------------------------


def test_a_known_document_is_not_sent_again(shown: Described) -> None:
    first = shown.get("/openapi.json")

    again = shown.get("/openapi.json", If_None_Match=first.headers["ETag"])
    other = shown.get("/openapi.json", "nia", If_None_Match=first.headers["ETag"])

    assert (again.status_code, again.get_data()) == (304, b"")
    assert other.status_code == 200
    assert "Authorization" in first.headers["Vary"]


def test_labels_are_in_the_language_of_the_caller(shown: Described) -> None:
    chinese = shown.document(Accept_Language="zh")

    assert schema(chinese, "visit")["properties"]["subject"]["title"] == "主题"
    assert "booked：已约" in schema(chinese, "visit")["properties"]["stage"]["description"]
    assert chinese["paths"]["/visit"]["get"]["summary"] == "列出就诊"
    assert shown.document()["paths"]["/visit"]["get"]["summary"] == "List Visits"


def test_what_is_published_is_described_at_once(clinic: Described) -> None:
    before = clinic.get("/openapi.json")
    folder = clinic.site.config.folder
    (folder / "schemas" / "more.yaml").write_text(
        "entity: ward\ntitle: name\nfields:\n  name: {type: text, required: true}\n", encoding="utf-8"
    )
    clinic.site.publish()

    after = clinic.get("/openapi.json", If_None_Match=before.headers["ETag"])

    assert after.status_code == 200
    assert "/ward" in after.get_json()["paths"]
    assert after.get_json()["x-revision"] == before.get_json()["x-revision"] + 1


def test_answers_keep_to_the_document(clinic: Described) -> None:
    principal = SYSTEM
    anna = clinic.site.records.create(principal, "contact", [{"name": "Anna", "mobile": "13800138000"}])[0].id
    values = {"subject": "Check", "patient": anna, "fee": "5", "items": [{"what": "Blood", "amount": "3"}]}
    visit = clinic.site.records.create(principal, "visit", [values])[0].id
    for who in ("ada", "nia"):
        document = clinic.document(who)
        for path, name in ((f"/visit/{visit}", "visit"), ("/contact?titles=true", "contact.page")):
            answer = clinic.get(path, who).get_json()
            whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
            jsonschema.Draft202012Validator(whole).validate(answer)


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_shows_the_document_of_who_looks_and_of_roles_to_developers(clinic: Described) -> None:
    def page(who: str, path: str) -> Any:
        headers = {"Authorization": f"Bearer {clinic.tokens[who]}"}
        return clinic.app.test_client().get(path, headers=headers)

    own, role = page("nia", "/api/docs"), page("bob", "/api/docs?role=nurse")

    assert 'data-document="/api/v1/openapi.json"' in own.get_data(as_text=True)
    assert "<select" not in own.get_data(as_text=True).split("api-docs", 1)[1]
    assert 'data-document="/api/v1/openapi.json?role=nurse"' in role.get_data(as_text=True)
    assert "'unsafe-inline'" not in own.headers["Content-Security-Policy"]
    assert page("nia", "/api/docs?role=nurse").status_code == 403
    assert page("bob", "/api/docs?role=none").status_code == 404
    assert page("nia", "/api").headers["Location"] == "/api/docs"
    assert clinic.app.test_client().get("/api/docs").headers["Location"].startswith("/login")
