"""Everything around a record in one order, page by page, on both databases."""

from engine import HAPPENING_KINDS, Happening, Reader, happenings
from tests.functional.notices.world import Office


def everything(reader: Reader, firm: str, limit: int, **wanted: object) -> list[Happening]:
    """Return what happened to a firm, read in pages of some size."""
    found: list[Happening] = []
    cursor: str | None = None
    while True:
        page = happenings(reader, "firm", firm, limit=limit, cursor=cursor, **wanted)  # type: ignore[arg-type]
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_pages_of_what_happened_are_the_whole_whatever_their_size(either: Office) -> None:
    office = either
    firm = office.create("bo", "firm", name="Acme")
    deals = [office.create("bo", "deal", name=f"Deal {number}", firm=firm, amount="5") for number in range(3)]
    for number, deal in enumerate(deals):
        office.say("bo", "deal", deal, f"About {number}")
        office.create("bo", "activity", subject=f"Call {number}", about=f"deal/{deal}")
    office.site.records.transition(office.who("bo"), "deal", deals, "offer")
    for number in range(4):
        office.say("bo", "firm", firm, f"Word {number}")
    office.site.records.share(office.who("bo"), "firm", firm, "user", office.ids["mei"])
    strange = office.create("max", "deal", name="Hidden", firm=firm)
    office.say("max", "deal", strange, "Not for Bo")

    with office.site.reading(office.who("bo")) as reader:
        whole = everything(reader, firm, 100, around=("deals",))
        assert [each.place for each in whole] == sorted((each.place for each in whole), reverse=True)
        assert {each.kind for each in whole} == {"comment", "activity", "share", "change"}
        assert len([each for each in whole if each.kind == "comment"]) == 7, "another's deal tells nothing"
        assert strange not in {each.record_id for each in whole}
        for limit in (1, 2, 5):
            assert everything(reader, firm, limit, around=("deals",)) == whole
        alone = everything(reader, firm, 3)
        assert {each.record_id for each in alone} == {firm}
        for kind in HAPPENING_KINDS:
            wanted = [each for each in whole if each.kind == kind]
            assert everything(reader, firm, 2, around=("deals",), kinds=(kind,)) == wanted
    with office.site.reading(office.who("mei")) as reader:
        assert {each.record_id for each in everything(reader, firm, 3, around=("deals",))} == {firm}
