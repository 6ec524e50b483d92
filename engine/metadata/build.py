"""Build: from the documents of all layers to the `Model`, or to everything that is wrong with them."""

from __future__ import annotations

import difflib
import gc
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from engine.errors import DocumentsInvalid, Problem
from engine.fields import field_types
from engine.i18n import Message
from engine.metadata.alerts import Alerts
from engine.metadata.derive import complete, derive_form, derive_view, scenes
from engine.metadata.document import Document, by_place, join
from engine.metadata.duplicates import Duplicates
from engine.metadata.entities import Declaring, Typing
from engine.metadata.examples import Examples
from engine.metadata.finishing import Finishing
from engine.metadata.formulas import Formulas
from engine.metadata.insight import Insight
from engine.metadata.kinds import shape
from engine.metadata.layers import Composed, Layer, compose
from engine.metadata.model import Entity, Form, Model, View
from engine.metadata.packs import check_packs
from engine.metadata.policies import Policies
from engine.metadata.relations import relate
from engine.metadata.report import Report
from engine.metadata.rights import Rights
from engine.metadata.scope import EntitiesSource
from engine.metadata.screens import Screens
from engine.metadata.soundness import without_faults
from engine.metadata.translations import read_translations
from engine.metadata.workflows import Workflows

LANGUAGES, CURRENCY, TIMEZONE = ("en", "zh"), "CNY", "Asia/Shanghai"


def build_model(
    layers: Sequence[Layer],
    revision: int = 0,
    *,
    languages: Sequence[str] = LANGUAGES,
    currency: str = CURRENCY,
    timezone: str = TIMEZONE,
) -> Model:
    """Return the Model of all layers, lowest first.

    Raises:
        DocumentsInvalid: with every error of shape and meaning, of all files.
    """
    with _uncollected():
        model, problems = _build(layers, revision, languages, currency, timezone)
    errors = [each for each in problems if each.severity == "error"]
    if model is None or errors:
        raise DocumentsInvalid(sorted(errors, key=by_place))
    return model


def check_documents(
    layers: Sequence[Layer],
    *,
    languages: Sequence[str] = LANGUAGES,
    currency: str = CURRENCY,
    timezone: str = TIMEZONE,
) -> tuple[Problem, ...]:
    """Return every error and every warning, by place."""
    with _uncollected():
        _, problems = _build(layers, 0, languages, currency, timezone)
    return tuple(sorted(problems, key=by_place))


def _build(
    layers: Sequence[Layer], revision: int, languages: Sequence[str], currency: str, timezone: str
) -> tuple[Model | None, list[Problem]]:
    composed = compose(layers)
    problems = composed.problems
    whole = True
    sound = replace(composed, documents={})
    for doc, body in composed.documents.items():
        rest = _shaped(composed, doc, body)
        whole &= rest is body
        if rest is not None:
            sound.documents[doc] = rest
    check_packs(sound, [layer.name for layer in layers])
    report = Report(sound, read_translations(sound))
    report.problems = problems
    entities = _entities(report, currency)
    source = EntitiesSource(entities)
    roles = Rights(report, entities, source).run()
    screens = Screens(report, entities, source, roles)
    views = screens.views()
    forms = screens.forms(views)
    menus = screens.menus(views)
    for checks in (Workflows, Policies, Duplicates, Alerts, Insight, Examples):
        checks(report, entities, source, roles).run()
    if not whole or any(each.severity == "error" for each in problems):
        return None, problems
    model = Model(
        revision=revision,
        checksum=_checksum(composed.documents),
        entities=entities,
        views=_all_views(views, entities, composed.documents),
        forms=_all_forms(forms, entities),
        roles=roles,
        menus=menus,
        documents=composed.documents,
        provenance=composed.provenance,
        warnings=tuple(sorted(problems, key=by_place)),
        languages=tuple(languages),
        currency=currency,
        timezone=timezone,
    )
    return model, problems


_sound: WeakKeyDictionary[Document, int] = WeakKeyDictionary()
"""Documents without a fault of shape, with the number of field types that were known then."""


@contextmanager
def _uncollected() -> Iterator[None]:
    """Hold back the garbage collector: a build makes much that stays, and walking through it again finds nothing."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _shaped(composed: Composed, doc: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Note what is wrong with the shape of a document; return it, or what is left without its faults."""
    origins = composed.origins[doc]
    types = len(field_types())
    if len(origins) == 1 and _sound.get(origins[0]) == types:
        return body
    kind = shape(doc.partition("/")[0])
    faults = kind.check(body)
    if not faults:
        if len(origins) == 1:
            _sound[origins[0]] = types
        return body
    if doc.startswith("entity/") and _only_patches(body):
        composed.problems.append(_nothing_to_patch(composed, doc))
        composed.gone |= {doc.partition("/")[2], *body["fields"]}
        return None
    for fault in faults:
        path = tuple(reversed(fault.path))
        place = composed.place(doc, path, key=fault.key)
        composed.problems.append(Problem(fault.message, place, join(path), fault.code, fault.advice))
    rest, gone = without_faults(kind, body, faults)
    composed.gone |= gone
    return rest  # type: ignore[no-any-return]


def _only_patches(body: Mapping[str, Any]) -> bool:
    """Whether a document changes fields of an entity that nobody defines."""
    fields = body.get("fields")
    if not isinstance(fields, Mapping) or not fields or "title" in body:
        return False
    return all(isinstance(each, Mapping) and "type" not in each for each in fields.values())


def _nothing_to_patch(composed: Composed, doc: str) -> Problem:
    name = doc.partition("/")[2]
    message = Message("there is no entity {name} to change", name=repr(name))
    others = [each.partition("/")[2] for each in composed.documents if each.startswith("entity/") and each != doc]
    close = difflib.get_close_matches(name, others, 1)
    advice = Message("give every field a type, if this is a new entity")
    if close:
        advice = Message("did you mean {name}?", name=repr(close[0]))
    return Problem(message, composed.place(doc, ("entity",)), "entity", "unknown", advice)


def _entities(report: Report, currency: str) -> dict[str, Entity]:
    drafts = Declaring(report, currency).run()
    relate(report, drafts)
    Typing(report, drafts).run()
    formulas = Formulas(report, drafts)
    formulas.run()
    roles = frozenset(doc.partition("/")[2] for doc in report.composed.documents if doc.startswith("role/"))
    return Finishing(report, drafts, formulas, roles).run()


def _checksum(documents: Mapping[str, Any]) -> str:
    text = orjson.dumps(sorted(documents.items()), default=list)
    return hashlib.sha256(text).hexdigest()


def _all_views(views: Mapping[str, View], entities: Mapping[str, Entity], documents: Iterable[str]) -> dict[str, View]:
    made = {key: complete(view, entities[view.entity]) for key, view in views.items()}
    shown = {view.entity for view in views.values()}
    for entity in entities.values():
        if entity.key not in shown and f"{entity.key}.all" not in made:
            made[f"{entity.key}.all"] = derive_view(entity)
    own: dict[str, list[View]] = {}
    for view in made.values():
        own.setdefault(view.entity, []).append(view)
    # A document takes the place of a view that comes by itself, also one that hides it.
    taken = {doc.removeprefix("view/") for doc in documents if doc.startswith("view/")} | made.keys()
    for entity in entities.values():
        made.update((each.key, each) for each in scenes(entity, own.get(entity.key, ()), taken))
    return made


def _all_forms(forms: Mapping[str, Form], entities: Mapping[str, Entity]) -> dict[str, Form]:
    made = dict(forms)
    for entity in entities.values():
        if f"{entity.key}.default" not in made:
            made[f"{entity.key}.default"] = derive_form(entity)
    return made
