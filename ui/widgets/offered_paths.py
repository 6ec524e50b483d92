"""The fields that somebody may choose from, of an entity and along its to-one links, in groups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from engine import Access, Entity, Field
from ui.widgets.paths import fields_along, mask_of

MOST_LINKS = 2
"""Links that a path may go along."""
_OWN_SYSTEM = frozenset(("created_at", "created_by", "updated_at", "updated_by", "owner"))
"""Fields that every record has and that people ask for."""


@dataclass(frozen=True, slots=True)
class OfferedPath:
    """One field."""

    path: str
    label: str
    field: Field
    leads_on: bool
    """Whether fields of the record that it leads to may be chosen too."""


@dataclass(frozen=True, slots=True)
class PathGroup:
    """The fields of an entity, or of the record that a link leads to."""

    prefix: str
    """Dotted path of the link; "" for the entity itself."""
    label: str
    paths: tuple[OfferedPath, ...]


def path_groups(
    access: Access,
    entity: str,
    language: str,
    fits: Callable[[Field], bool],
    opened: Collection[str] = (),
) -> list[PathGroup]:
    """Return the fields that fit, the entity's own first, then those along each link; along two where `opened` says."""
    who, model = access.principal, access.model

    def make() -> list[PathGroup]:
        own = _group(access, entity, (), language, fits)
        return [own, *_below(access, entity, own, language, fits)]

    key = ("path groups", entity, language, fits, who.roles, who.system, who.scopes)
    found: list[PathGroup] = list(model.derive(key, make))
    for prefix in dict.fromkeys(opened):
        keys = tuple(prefix.split("."))
        if len(keys) == MOST_LINKS and _leads(access, entity, keys):
            found.append(_group(access, entity, keys, language, fits))
    return found


def _below(
    access: Access, entity: str, own: PathGroup, language: str, fits: Callable[[Field], bool]
) -> Iterator[PathGroup]:
    links = access.model.entity(entity).fields
    for key, field in links.items():
        if field.target and field.type.links == "one" and _leads(access, entity, (key,)):
            group = _group(access, entity, (key,), language, fits)
            if group.paths:
                yield group


def _leads(access: Access, entity: str, keys: tuple[str, ...]) -> bool:
    fields = fields_along(access.model, entity, keys)
    if not fields or mask_of(access, fields) != "read":
        return False
    return all(each.type.links == "one" and not each.hidden for each in fields)


def _group(
    access: Access, entity: str, prefix: tuple[str, ...], language: str, fits: Callable[[Field], bool]
) -> PathGroup:
    links = fields_along(access.model, entity, prefix) or ()
    here: Entity = access.model.entity(links[-1].target or "") if links else access.model.entity(entity)
    label = " · ".join(each.label.in_(language) for each in links) if links else here.label.in_(language)
    start = ".".join(prefix)
    masks = access.mask(here.key)
    found = [
        OfferedPath(
            f"{start}.{key}" if start else key,
            each.label.in_(language),
            each,
            each.type.links == "one" and bool(each.target) and len(prefix) < MOST_LINKS,
        )
        for key, each in here.fields.items()
        if not each.hidden
        and masks.get(key, "hidden") != "hidden"
        and (not each.system or (key in _OWN_SYSTEM and not prefix))
        and fits(each)
    ]
    return PathGroup(start, label, tuple(found))
