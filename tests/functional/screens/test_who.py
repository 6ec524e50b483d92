"""Who can see this record: on screen, by command, and fast with many people."""

import time

import pytest

from engine import SYSTEM, Change, who_can_see
from engine.data.principal import variables
from tests.functional.screens.trust import DOCUMENTS, PEOPLE
from tests.functional.screens.world import World, build, words


@pytest.fixture
def deal(office: World) -> str:
    """The id of a deal of Ben's, whose superior is Cao, in a team with Eve."""
    ids = office.ids
    office.site.records.update(SYSTEM, "user", [Change(ids["ben"], {"manager": ids["cao"]})])
    office.create("team", {"name": "North", "members": [ids["ben"], ids["eve"]]})
    [made] = office.create("deal", {"name": "Big", "owner": ids["ben"]})
    return made


def rows(page: str) -> dict[str, str]:
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    cells = [[words(cell.partition("</td>")[0]) for cell in row.split("<td>")[1:]] for row in body.split("<tr>")[1:]]
    return {name: f"{may} / {why}" for name, may, why in cells}


def test_the_owner_reads_who_sees_it_and_why(office: World, deal: str) -> None:
    ben = office.browser("ben")
    assert f'href="/deal/{deal}/who"' in ben.text(f"/deal/{deal}")

    page = ben.text(f"/deal/{deal}/who")

    assert rows(page) == {
        "Ada": "see and change / role Administrator: all records",
        "Ben": "see and change / their own record; belongs to somebody in their team",
        "Eve": "see / belongs to somebody in their team",
        "曹琳": "see and change / belongs to somebody who reports to them",
    }
    assert "See it: 4" in words(page)
    assert "Eve" not in rows(ben.text(f"/deal/{deal}/who?edit=1"))


def test_others_are_refused_and_an_auditor_may_ask(office: World, deal: str) -> None:
    eve = office.browser("eve")

    assert "/who" not in eve.text(f"/deal/{deal}")
    assert eve.get(f"/deal/{deal}/who").status_code == 403
    assert office.browser("dan").get(f"/deal/{deal}/who").status_code == 404
    assert office.browser("ada").get(f"/deal/{deal}/who").status_code == 200


def test_everybody_at_once_is_known_as_one_by_one(office: World, deal: str) -> None:
    ids, site = office.ids, office.site
    top, low = office.create("department", {"name": "Top"}, {"name": "Low"})
    site.records.update(SYSTEM, "department", [Change(low, {"parent": top})])
    north = office.create("territory", {"name": "N", "manager": ids["cao"]})[0]
    office.create("territory", {"name": "NN", "parent": north, "members": [ids["ben"]]})
    away = {"deputy": ids["eve"], "absent_from": "2020-01-01", "department": low}
    site.records.update(SYSTEM, "user", [Change(ids["ben"], away), Change(ids["dan"], {"status": "disabled"})])

    together = {str(each.id): each for each in site.identity.principals()}

    assert set(together) == set(ids.values()) - {ids["dan"]}
    for id_, each in together.items():
        alone = site.principal(id_)
        assert (
            variables(each).items() >= {key: value for key, value in variables(alone).items() if key != "now"}.items()
        )
        assert each.absences == alone.absences
    assert together[ids["eve"]].absences
    assert together[ids["ben"]].departments == (low, top)


def test_the_command_says_the_same(office: World, deal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    from click.testing import CliRunner

    from ui.cli.commands import cli

    folder = str(office.site.config.folder)
    done = CliRunner().invoke(cli, ["who", "deal", deal, "--site", folder, "--json"])
    said = json.loads(done.output)

    assert done.exit_code == 0, done.output
    assert [each["name"] for each in said["people"]] == ["Ada", "Ben", "Eve", "曹琳"]
    assert said["readers"] == 4
    assert CliRunner().invoke(cli, ["who", "deal", deal, "--as", "eve@example.com", "--site", folder]).exit_code == 1


@pytest.mark.slow
def test_five_hundred_people_are_answered_within_a_second(
    database_url: str, tmp_path: object, tier: str, office_pattern: object
) -> None:
    """At 200,000 records the answer takes no longer: it looks at one record by its id."""
    from pathlib import Path

    from engine import Site

    folder = Path(str(tmp_path)) / "site"
    ids = build(folder, DOCUMENTS, database_url, PEOPLE)
    with Site.open(folder, database_url=database_url) as site:
        roles = [["seller"], ["boss"], ["seller", "boss"]]
        made = site.records.create(
            SYSTEM,
            "user",
            [
                {"name": f"P{n}", "email": f"p{n}@x.example", "roles": roles[n % 3], "manager": ids["cao"]}
                for n in range(500)
            ],
        )
        [team] = site.records.create(SYSTEM, "team", [{"name": "T", "members": [each.id for each in made[:60]]}])
        deals = site.records.create(SYSTEM, "deal", [{"name": f"D{n}", "owner": made[n % 60].id} for n in range(600)])
        site.records.share(SYSTEM, "deal", deals[0].id, "team", team.id)
        site.records.share(SYSTEM, "deal", deals[0].id, "user", made[300].id, "edit")
        began = time.perf_counter()
        with site.reading(SYSTEM) as reader:
            sight = who_can_see(reader, "deal", deals[0].id, site.identity.principals(reader.connection))
        took = time.perf_counter() - began
    assert (sight.readers, sight.editors) == (43, 3)
    assert took < (1 if tier == "full" else 4), took
