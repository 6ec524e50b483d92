"""Exported files: made at once or by a job, for their owner alone, under the rights of the moment, for some days."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import SYSTEM, AccessDenied, ExportOptions, NotFound, RecordInvalid, Wanted, clock, parse
from engine.data.transfer import ExportTooLarge
from tests.functional.exporting.reading_back import table
from tests.functional.screens.world import World


def cards(world: World, count: int, owner: str = "ben") -> list[str]:
    """Job cards of somebody."""
    return world.create("job_card", *({"name": f"J{n}", "owner": world.ids[owner]} for n in range(count)))


def asked(world: World, who: str, at_once: bool = False, **options: Any) -> Any:
    """An export that somebody asked for."""
    principal = world.site.principal(world.ids[who])
    return world.site.exports.ask(principal, "job_card", ExportOptions(**options), at_once=at_once, mails=True)


def fetched(world: World, who: str, id_: str) -> bytes:
    """The bytes that somebody is sent."""
    with world.site.reading(world.site.principal(world.ids[who])) as reader:
        return b"".join(world.site.exports.fetch(reader, id_).blocks)


def stored(world: World) -> list[Path]:
    folder = world.site.config.files / "exports"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def noted(world: World) -> list[Any]:
    """The events of exports, the latest first."""
    with world.site.database.read() as connection:
        return list(world.site.trail.entries(connection, Wanted(kinds=("export",))))


def test_a_job_makes_a_sealed_file_that_its_owner_alone_fetches(either: World) -> None:
    cards(either, 3)
    made = asked(either, "ben", fields=("name",), where=parse("stage is None and name != 'Secret Corp'"))
    assert not made.ready
    with pytest.raises(NotFound, match="not ready"):
        fetched(either, "ben", made.id)

    assert either.site.jobs.run_due() == 1

    job = either.site.jobs.get(made.job_id)
    assert (job.state, job.result and job.result["records"], job.done) == ("done", 3, 3)
    assert [row["name"] for row in table(fetched(either, "ben", made.id))] == ["J0", "J1", "J2"]
    assert either.site.exports.get(either.site.principal(either.ids["ben"]), made.id).fetched == 1
    [file] = stored(either)
    assert b"J1" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    for other in ("ada", "cao"):
        with pytest.raises(NotFound):
            fetched(either, other, made.id)
    [event] = noted(either)
    assert (event.number, event.entity, event.actor_id) == (3, "job_card", either.ids["ben"])
    # Which part of the records it was is noted, a name out of a record is not.
    assert event.details == {
        "format": "csv", "fields": ["name"], "where": "stage is None and name != '…'",
    }  # fmt: skip
    [mail] = [each for each in either.site.post.entries() if each.purpose == "export"]
    assert mail.to == "ben@example.com"


def test_a_small_export_is_there_at_once_and_a_big_one_waits_for_a_job(shop: World) -> None:
    cards(shop, 4)
    small = asked(shop, "ben", at_once=True, search="J1")
    object.__setattr__(shop.site.exports.rules, "at_once", 3)
    big = asked(shop, "ben", at_once=True)

    assert (small.ready, small.number, big.ready) == (True, 1, False)
    assert [row["name"] for row in table(fetched(shop, "ben", small.id))] == ["J1"]
    [event] = noted(shop)
    assert (event.number, event.details) == (1, {"format": "csv", "searched": 1})


def test_rights_that_were_taken_meanwhile_end_the_job_and_keep_the_file(shop: World) -> None:
    cards(shop, 2)
    first, second = asked(shop, "ben", fields=("name", "phone")), asked(shop, "ben", fields=("name",))
    shop.site.jobs.run_due()
    late = asked(shop, "ben")
    schema = shop.site.config.folder / "schemas" / "world.yaml"
    text = schema.read_text("utf-8")
    schema.write_text(text.replace("phone: masked}", "phone: hidden}", 1), "utf-8")
    shop.site.publish()

    with pytest.raises(AccessDenied, match="rights changed"):
        fetched(shop, "ben", first.id)
    assert fetched(shop, "ben", second.id)

    schema.write_text(text.replace("export: [own], fields", "export: [], fields", 1), "utf-8")
    shop.site.publish()
    shop.site.jobs.run_due()

    job = shop.site.jobs.get(late.job_id)
    assert job.error is not None
    assert "may not export" in str(job.error)
    with pytest.raises(AccessDenied):
        fetched(shop, "ben", second.id)
    assert len(stored(shop)) == 2
    assert len(noted(shop)) == 2


def test_a_field_that_became_a_mask_is_not_fetched_as_it_was(shop: World) -> None:
    cards(shop, 1, "cao")
    made = asked(shop, "cao", fields=("phone",), reason="x")
    shop.site.jobs.run_due()
    schema = shop.site.config.folder / "schemas" / "world.yaml"
    text = schema.read_text("utf-8")
    whole, narrow = "export: all, import: all}\n  client", "export: all, fields: {phone: masked}}\n  client"
    schema.write_text(text.replace(whole, narrow), "utf-8")
    shop.site.publish()

    with pytest.raises(AccessDenied, match="rights changed"):
        fetched(shop, "cao", made.id)


def test_whoever_may_export_few_is_told_who_may_more_and_gets_no_file(shop: World) -> None:
    cards(shop, 6)
    with pytest.raises(RecordInvalid) as refused:
        asked(shop, "cao")
    assert [each.path for each in refused.value.problems] == ["reason"]
    with pytest.raises(ExportTooLarge, match=r"at most 5 records at a time.*Administrator"):
        asked(shop, "cao", at_once=True, reason="Audit")
    made = asked(shop, "cao", reason="Audit")
    shop.site.jobs.run_due()

    assert shop.site.jobs.get(made.job_id).state != "done"
    assert stored(shop) == []
    assert noted(shop) == []
    assert asked(shop, "cao", at_once=True, reason="Audit", ids=tuple(cards(shop, 5))).number == 5
    assert noted(shop)[0].details["reason"] == "Audit"
    assert asked(shop, "ada", at_once=True).number == 11


def test_the_site_may_say_how_many_and_that_everybody_gives_a_reason(shop: World) -> None:
    cards(shop, 3)
    object.__setattr__(shop.site.exports.rules, "rows", 2)
    object.__setattr__(shop.site.exports.rules, "reason", True)

    with pytest.raises(RecordInvalid):
        asked(shop, "ben")
    with pytest.raises(ExportTooLarge, match="at most 2 records"):
        asked(shop, "ben", at_once=True, reason="x")
    stream = (shop.site.config.folder / "all.csv").open("wb")
    with stream:
        assert shop.site.export(SYSTEM, "job_card", stream) == 3


def test_a_token_exports_no_more_than_its_scopes_let_it(shop: World) -> None:
    cards(shop, 1, "ada")
    ada = replace(shop.site.principal(shop.ids["ada"]), scopes=frozenset({"job_card:read"}))
    with pytest.raises(AccessDenied):
        shop.site.exports.ask(ada, "job_card", ExportOptions())
    both = replace(ada, scopes=frozenset({"job_card:read", "job_card:export"}))
    made = shop.site.exports.ask(both, "job_card", ExportOptions(fields=("name", "client")))
    shop.site.jobs.run_due()
    assert shop.site.exports.get(both, made.id).scopes == both.scopes
    with pytest.raises(AccessDenied):
        shop.site.exports.ask(both, "client", ExportOptions())


def test_files_end_after_their_days_and_when_their_owner_wants(shop: World, tmp_path: Path) -> None:
    cards(shop, 1)
    kept, gone = asked(shop, "ben", at_once=True), asked(shop, "ben", at_once=True)
    waiting = asked(shop, "ben")
    ben = shop.site.principal(shop.ids["ben"])

    shop.site.exports.delete(ben, gone.id)
    shop.site.exports.delete(ben, waiting.id)
    shop.site.jobs.run_due()

    assert [each.id for each in shop.site.exports.entries(ben)] == [kept.id]
    assert [each.name for each in stored(shop)] == [kept.id]
    assert shop.site.jobs.get(waiting.job_id).state == "cancelled"
    with pytest.raises(NotFound):
        shop.site.exports.delete(shop.site.principal(shop.ids["ada"]), kept.id)
    (stored(shop)[0].parent / "left.part").write_bytes(b"x")
    later = clock.now() + timedelta(days=4)
    assert next(each.count for each in shop.site.clean_up(later, dry_run=True) if each.step == "exports") == 1
    shop.site.clean_up(later)
    assert shop.site.exports.entries(ben) == []
    assert stored(shop) == []


def test_a_file_that_was_tampered_with_is_sent_to_nobody(shop: World) -> None:
    cards(shop, 2)
    made = asked(shop, "ben", at_once=True)
    [file] = stored(shop)
    whole = file.read_bytes()

    for broken in (whole[:-1], whole[:60], b"", whole[:-1] + bytes([whole[-1] ^ 1]), b"x" + whole[1:]):
        file.write_bytes(broken)
        with pytest.raises(NotFound, match="not there any more"):
            fetched(shop, "ben", made.id)
    file.write_bytes(whole)
    assert fetched(shop, "ben", made.id)
    file.unlink()
    with pytest.raises(NotFound):
        fetched(shop, "ben", made.id)
