"""Who is told of what: on the site and by mail, and nobody of what is not for them."""

from datetime import timedelta

from engine import SYSTEM, Message, NoticeSettings, Task, now
from engine.notices.mailing import NoticeMails
from engine.notices.settings import Way
from tests.functional.notices.world import Office


def mails(office: Office) -> NoticeMails:
    site = office.site
    return NoticeMails(
        site.database, site.notices, site.reader_within, site.principal,
        site.post, "https://crm.example",
    )  # fmt: skip


def test_people_are_told_what_becomes_theirs_what_moves_and_what_is_said(either: Office) -> None:
    office = either
    deal = office.create("max", "deal", name="Roof", owner=office.ids["bo"], amount="5")
    assert office.told("bo") == [("assigned", "Roof")]
    assert office.told("max") == [], "nobody is told of what they did themselves"

    office.site.records.transition(office.who("bo"), "deal", [deal], "offer")
    assert office.told("max") == [("moved", "Roof")], "who made it follows it"

    office.say("max", "deal", deal, "Well done")
    office.say("bo", "deal", deal, "Thanks @Max", f"user/{office.ids['max']}")
    assert office.told("max")[0] == ("mention", "Roof"), "a mention is not told twice"
    assert [kind for kind, _ in office.told("bo")] == ["comment", "assigned"]

    office.site.records.update(office.who("bo"), "deal", [{"id": deal, "name": "New roof"}])
    assert len(office.told("max")) == 2, "a field that changes is told to nobody"
    assert office.told("max")[0][1] == "New roof"


def test_who_comments_follows_until_they_say_otherwise(office: Office) -> None:
    notices, deal = office.site.notices, office.create("bo", "deal", name="Roof")
    office.say("max", "deal", deal, "How is it going?")
    office.say("bo", "deal", deal, "Fine")
    assert office.told("max") == [("comment", "Roof")]

    notices.follow(office.who("max"), "deal", deal, follows=False)
    office.say("bo", "deal", deal, "Still fine")
    office.say("max", "deal", deal, "Good")
    office.say("bo", "deal", deal, "Very fine")
    assert len(office.told("max")) == 1, "to comment again does not overrule what they said"

    notices.follow(office.who("bo"), "deal", deal, follows=False)
    office.say("max", "deal", deal, "Hello?")
    assert [kind for kind, _ in office.told("bo")] == ["comment", "comment"], "also an owner may hear no more"


def test_what_is_shared_is_told_to_people_and_to_teams(office: Office) -> None:
    team = office.site.records.create(SYSTEM, "team", [{"name": "North", "members": [office.ids["mei"]]}])[0].id
    deal = office.create("bo", "deal", name="Roof")

    office.site.records.share(office.who("bo"), "deal", deal, "team", team)
    assert office.told("mei") == [("shared", "Roof")]

    office.say("bo", "deal", deal, "See @North", f"team/{team}")
    assert [kind for kind, _ in office.told("mei")] == ["mention", "shared"]


def test_a_notice_tells_nothing_once_its_record_is_out_of_reach(office: Office) -> None:
    deal = office.create("bo", "deal", name="Roof")
    office.site.records.share(office.who("bo"), "deal", deal, "user", office.ids["mei"])
    comment = office.say("bo", "deal", deal, "Secret plan @李梅", f"user/{office.ids['mei']}")
    assert [kind for kind, _ in office.told("mei")] == ["mention", "shared"]

    office.site.records.delete(office.who("bo"), "comment", [comment])
    assert [kind for kind, _ in office.told("mei")] == ["shared"], "what was taken back is not told"
    office.site.records.unshare(office.who("bo"), "deal", deal, office.ids["mei"])
    assert office.told("mei") == []


def test_many_records_at_once_are_one_notice(office: Office) -> None:
    records = office.site.records
    rows = [{"name": f"Deal {number}", "owner": office.ids["bo"]} for number in range(30)]
    set_ = records.begin_set(office.who("max"), "import", entity="deal")
    records.create(office.who("max"), "deal", rows[:20], change_set=set_)
    records.create(office.who("max"), "deal", rows[20:], change_set=set_)

    with office.site.reading(office.who("bo")) as reader:
        [one], _more = office.site.notices.page(reader, 50)
    assert (one.notice.kind, one.notice.number, one.notice.record_id) == ("assigned", 30, None)

    result = records.update_where(office.who("max"), "deal", None, {"owner": office.ids["mei"]})
    assert result.count == 30
    with office.site.reading(office.who("mei")) as reader:
        assert [each.notice.number for each in office.site.notices.page(reader, 50)[0]] == [30]
    assert records.update_where(office.who("max"), "deal", None, {"amount": "7"}, explain=True).path == "set", (
        "no slower"
    )
    assert records.update_where(office.who("max"), "deal", None, {"owner": None}, explain=True).path == "rows"


def test_what_is_read_is_counted_and_comes_in_pages(office: Office) -> None:
    notices, rows = office.site.notices, [{"name": f"D{number}", "owner": office.ids["bo"]} for number in range(5)]
    for row in rows:
        office.create("max", "deal", **row)
    with office.site.reading(office.who("bo")) as reader:
        assert notices.count(reader.connection, office.ids["bo"]) == 5
        first, at = notices.page(reader, 2)
        second, at = notices.page(reader, 2, at)
        third, end = notices.page(reader, 2, at)
        assert end is None
        seen = [each.title for each in (*first, *second, *third)]
        assert notices.one(reader, first[0].notice.id) is not None
    assert sorted(seen, reverse=True) == ["D4", "D3", "D2", "D1", "D0"]
    with office.site.reading(office.who("max")) as reader:
        assert notices.one(reader, first[0].notice.id) is None, "it is another person's"

    assert notices.mark(office.who("max"), [first[0].notice.id]) == 0
    assert notices.mark(office.who("bo"), [first[0].notice.id]) == 1
    assert notices.unread.get(office.ids["bo"]) is None, "the number is asked for anew"
    assert notices.mark(office.who("bo")) == 4


def test_mail_goes_out_as_each_person_wants_and_never_at_night(either: Office) -> None:
    office = either
    notices, post, bo = office.site.notices, mails(office), office.who("bo")
    notices.keep_settings(bo, NoticeSettings({"assigned": Way(shown=True, mail="now")}, "22:00", "07:00"))
    office.create("max", "deal", name="Roof", owner=bo.id)
    at = now().replace(hour=23, minute=0)
    at = at + timedelta(days=1) if at < now() else at

    assert post.send_due(at) == 0, "they sleep"
    assert post.send_due(now()) == 0, "who is on the site just now reads it there"
    assert post.send_due(at + timedelta(hours=9)) == 1
    assert post.send_due(at + timedelta(hours=9)) == 0
    [mail] = office.site.post.entries(user_id=bo.id)
    assert mail.subject == "Max made Roof yours"

    notices.keep_settings(bo, NoticeSettings({"assigned": Way(shown=True, mail="daily")}, digest_at="12:00"))
    office.create("max", "deal", name="Door", owner=bo.id)
    office.create("max", "deal", name="Wall", owner=bo.id)
    noon = (now() + timedelta(days=2)).replace(hour=12, minute=30)
    assert post.send_due(noon) == 1
    assert office.site.post.entries(user_id=bo.id)[0].subject == "2 notices for you"

    office.create("max", "deal", name="Gate", owner=bo.id)
    notices.mark(bo)
    assert post.send_due(noon + timedelta(days=2)) == 0, "what was read on the site is not mailed"

    notices.keep_settings(bo, NoticeSettings({"assigned": Way(shown=False, mail="no")}))
    before = office.told("bo")
    office.create("max", "deal", name="Lamp", owner=bo.id)
    assert office.told("bo") == before


def test_mail_says_nothing_of_what_was_taken_away_meanwhile(office: Office) -> None:
    notices, post, mei = office.site.notices, mails(office), office.who("mei")
    notices.keep_settings(mei, NoticeSettings({"shared": Way(shown=True, mail="now")}))
    deal = office.create("bo", "deal", name="Roof")
    office.site.records.share(office.who("bo"), "deal", deal, "user", mei.id or "")
    office.site.records.unshare(office.who("bo"), "deal", deal, mei.id or "")

    assert post.send_due(now() + timedelta(hours=1)) == 0
    assert office.site.post.entries(user_id=mei.id) == []


def test_the_end_of_a_job_is_told_to_whom_it_was_for(office: Office) -> None:
    jobs = office.site.jobs
    jobs.register(Task("count", lambda run: run.finish({}), Message("Count")))
    job = jobs.enqueue("count", {}, actor=office.ids["bo"], title=Message("Count"))
    jobs.enqueue("count", {}, actor=None, title=Message("Count"))
    jobs.run_due()

    with office.site.reading(office.who("bo")) as reader:
        [told], _more = office.site.notices.page(reader, 10)
    assert (told.notice.kind, told.notice.details) == ("job", {"job": job, "state": "done"})


def test_who_is_gone_for_good_leaves_no_notice_behind(either: Office) -> None:
    office = either
    deal = office.create("max", "deal", name="Roof", owner=office.ids["bo"])
    comment = office.say("bo", "deal", deal, "Hello")
    office.site.notices.posts.toggle(comment, office.ids["max"], "like")
    office.site.notices.posts.pin("deal", deal, comment, None)
    office.site.notices.presence.renew("deal", deal, office.ids["max"])
    office.site.records.delete(office.who("ada"), "deal", [deal])
    office.site.records.purge(office.who("ada"), "deal", [deal])

    with office.site.database.read() as connection:
        for table in ("notice", "record_follow", "record_pin", "record_presence", "comment_reaction"):
            found = office.site.notices.rows._run(connection, f"SELECT count(*) FROM {table}")  # noqa: SLF001
            assert found.fetchone()[0] == 0, table
