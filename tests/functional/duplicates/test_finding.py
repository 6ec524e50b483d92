"""Records that look alike are found while one is written, and told of as far as each person may know."""

import pytest

from engine import SYSTEM, DuplicatesFound, minding_duplicates
from engine.proposals.operations import Operation, try_out
from engine.testing import assert_queries, watched
from tests.functional.duplicates.conftest import Books


def test_what_is_typed_is_compared_with_what_is_there(books: Books) -> None:
    rep = books.person("sales_rep", name="Rita")
    account = books.add("account", name="腾讯科技（深圳）有限公司", owner=rep.id)
    contact = books.add("contact", name="张伟", mobile="13800138000", account=account, owner=rep.id)
    lead = books.add("lead", name="A", contact_name="张小伟", mobile="13800138000", owner=rep.id)

    found = books.check(rep, "contact", name="张先生", mobile="+86 138-0013-8000", account=account)
    assert {(twin.entity, twin.id) for twin in found.twins} == {("contact", contact), ("lead", lead)}
    best = found.twins[0]
    assert (best.id, best.title, best.owner, best.score) == (contact, "张伟", "Rita", 100)
    assert [reason.in_("en") for reason in best.reasons] == [
        "same Mobile", "Name 86 % alike", "same Account", "same End of the number",
    ]  # fmt: skip
    assert not found.blocked
    [company] = books.check(rep, "account", name="騰訊科技").twins
    assert (company.id, company.score) == (account, 90)
    # A name alone is nobody, and what cannot be read looks like nothing.
    assert books.check(rep, "contact", name="张伟").twins == ()
    assert books.check(rep, "contact", name="Somebody", mobile="no number").twins == ()
    # Whoever is changed does not look like themselves.
    assert [twin.id for twin in books.check(rep, "contact", id=contact, name="张伟").twins] == [lead]


def test_who_may_not_see_a_record_learns_whose_it_is_and_no_more(books: Books) -> None:
    rita, tom = books.person("sales_rep", name="Rita"), books.person("sales_rep", name="Tom")
    books.add("contact", name="Hidden Person", mobile="13911112222", email="h@hidden.example", owner=rita.id)

    [twin] = books.check(tom, "contact", name="Someone", mobile="13911112222").twins
    assert twin.json() == {"entity": "contact", "id": None, "owner": "Rita"}
    assert (twin.title, twin.score, twin.reasons, twin.updated_at) == ("", None, (), None)
    with pytest.raises(DuplicatesFound) as refused, minding_duplicates("api"):
        books.records.create(tom, "contact", [{"name": "Someone", "mobile": "13911112222"}])
    assert "Hidden" not in repr(refused.value.twins) + str(refused.value)
    # Fields that are hidden from somebody say nothing to them: marketing knows no birthdays, agents no credit codes.
    assert books.check(books.person("auditor"), "contact", mobile="13911112222").twins == ()


def test_saving_is_asked_about_and_what_blocks_needs_the_right(books: Books) -> None:
    rep, manager = books.person("sales_rep"), books.person("sales_manager")
    books.add("contact", name="Blocked One", wechat="blocked-one", email="one@blocked.example", owner=rep.id)
    twin = {"name": "Other Name", "wechat": "Blocked_One"}

    for who, force in ((rep, False), (rep, True), (manager, False)):
        with pytest.raises(DuplicatesFound) as refused, minding_duplicates("screen", force=force):
            books.records.create(who, "contact", [twin])
        assert refused.value.blocked
        assert refused.value.may_override is (who is manager)
        assert refused.value.in_("en") == "One name is one person"
    with minding_duplicates("screen", force=True):
        [made] = books.records.create(manager, "contact", [twin])
    assert books.is_there("contact", made.id)
    # Where nobody is asked, what warns is written, and what blocks is not.
    assert books.add("contact", name="Warned", email="one@blocked.example")
    with pytest.raises(DuplicatesFound):
        books.add("contact", name="Third", wechat="blocked one")


def test_a_row_among_many_is_asked_about_by_itself(books: Books) -> None:
    books.add("contact", name="Bulk One", email="bulk@one.example")
    rows = [
        {"create": {"name": "New", "email": "new@two.example"}},
        {"create": {"name": "B", "email": "bulk@one.example"}},
    ]
    with minding_duplicates("api"):
        good, bad = books.records.bulk(SYSTEM, "contact", rows)
    assert good.ok
    assert isinstance(bad.error, DuplicatesFound)
    with minding_duplicates("import"):
        [kept] = books.records.bulk(SYSTEM, "contact", rows[1:])
    assert kept.written is not None
    assert [warning.code for warning in kept.written.warnings] == ["duplicate"]
    # Rows of one file are compared with each other.
    same = [{"create": {"name": f"Row {n}", "email": "same@file.example"}} for n in range(2)]
    with minding_duplicates("import"):
        first, second = books.records.bulk(SYSTEM, "contact", same)
    assert first.written is not None
    assert second.written is not None
    assert (len(first.written.warnings), len(second.written.warnings)) == (0, 1)


def test_what_an_agent_wants_says_what_it_looks_like(books: Books) -> None:
    books.add("contact", name="Agent One", email="one@agent.example")
    wanted = Operation("create", "contact", values={"name": "B", "email": "one@agent.example"})
    [preview] = try_out(books.records, books.site.reader_within, SYSTEM, [wanted])
    assert [warning.message.in_("en") for warning in preview.warnings] == ["This looks like “Agent One”"]


def test_keys_follow_the_record(books: Books) -> None:
    contact = books.add("contact", name="Key Holder", email="key@holder.example")
    one = books.keys("contact", contact)
    assert one
    books.records.update(SYSTEM, "contact", [{"id": contact, "email": "other@holder.example", "mobile": "13922223333"}])
    assert books.keys("contact", contact) > one
    admin = books.person("sales_rep")
    assert books.check(admin, "contact", email="key@holder.example").twins == ()
    [twin] = books.check(admin, "contact", email="other@holder.example").twins
    assert not twin.readable
    books.records.update_where(SYSTEM, "contact", None, {"email": None}, ids=[contact])
    assert books.check(admin, "contact", email="other@holder.example").twins == ()
    books.records.delete(SYSTEM, "contact", [contact])
    assert books.check(admin, "contact", mobile="13922223333").twins == ()
    books.records.restore(SYSTEM, "contact", [contact])
    assert len(books.check(admin, "contact", mobile="13922223333").twins) == 1
    books.records.delete(SYSTEM, "contact", [contact])
    books.records.purge(SYSTEM, "contact", [contact])
    assert books.keys("contact", contact) == 0


def test_keys_that_are_missing_are_made_and_a_search_finds_what_is_there(books: Books) -> None:
    names = [books.add("contact", name=f"Search {n}", email=f"search{n // 2}@pairs.example") for n in range(6)]
    with books.site.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM match_key")
        connection.exec_driver_sql("DELETE FROM match_state")
    rep = books.person("sales_rep")
    assert not books.check(rep, "contact", email="search0@pairs.example").ready
    books.site.duplicates.ask_for_keys()
    assert books.site.jobs.run_due() == 1
    ready = books.check(rep, "contact", email="search0@pairs.example")
    assert ready.ready
    # Two records of one owner that nobody may see are told as one.
    assert len(ready.twins) == 1
    assert books.site.duplicates.prepare() == 0

    def pairs() -> set[frozenset[str]]:
        with books.site.reading(SYSTEM) as reader:
            found = books.site.duplicates.suspects(reader, "contact", limit=100).suspects
            return {frozenset((each.one.id, each.other.id)) for each in found} & {
                frozenset(names[n : n + 2]) for n in (0, 2, 4)
            }

    _search(books)
    assert len(pairs()) == 3
    with books.site.reading(SYSTEM) as reader:
        found = books.site.duplicates.suspects(reader, "contact", limit=100).suspects
        page = books.site.duplicates.suspects(reader, "contact", limit=1)
        assert page.after is not None
        assert books.site.duplicates.suspects(reader, "contact", limit=1, after=page.after).suspects
        mine = next(each for each in found if {each.one.id, each.other.id} == set(names[:2]))
    # Who cannot see them is not shown them; who says that they differ is not asked again, nor is anybody else.
    with books.site.reading(rep) as reader:
        assert books.site.duplicates.suspects(reader, "contact").suspects == ()
    books.site.duplicates.differ(SYSTEM, mine.id)
    books.records.update(SYSTEM, "contact", [{"id": names[2], "email": "alone@pairs.example"}])
    _search(books)
    assert pairs() == {frozenset(names[4:])}
    with minding_duplicates("screen"):
        books.records.update(SYSTEM, "contact", [{"id": names[0], "position": "Chief", "mobile": "13800001111"}])


def _search(books: Books) -> None:
    with books.site.database.write() as connection:
        books.site.duplicates.search(connection, SYSTEM, "contact")
    books.site.jobs.run_due()


def test_a_check_takes_few_statements_and_entities_without_rules_none(books: Books) -> None:
    rep = books.person("sales_rep")
    books.add("contact", name="Counted", email="counted@few.example", owner=rep.id)
    with books.site.reading(rep) as reader:
        assert books.site.duplicates.check(reader, "contact", {"email": "counted@few.example"}).twins
        # Keys, contacts, what they must be like, owners, and how far the keys are.
        with assert_queries(5):
            books.site.duplicates.check(reader, "contact", {"email": "counted@few.example"})
    assert books.watched == {"account", "contact", "lead"}
    seen: list[str] = []
    with watched(seen), minding_duplicates("api"):
        books.add(
            "opportunity", name="No rules", amount=5, account=books.add("account", name="Owner of none", owner=rep.id)
        )
    assert not [text for text in seen if "match_key" in text and "opportunity" in text]
    with assert_queries(12) as sent, minding_duplicates("api"):
        books.add("activity", subject="Call")
    assert not [text for text in sent if "match_key" in text]
