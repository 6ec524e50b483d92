"""Build: from the documents of all layers to the `Model`, or to everything that is wrong with them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from engine.errors import DocumentsInvalid, Problem
from engine.metadata.derive import complete, derive_form, derive_view
from engine.metadata.document import by_place, join
from engine.metadata.entities import Declaring, Typing
from engine.metadata.finishing import Finishing
from engine.metadata.formulas import Formulas
from engine.metadata.layers import Composed, Layer, compose
from engine.metadata.metaschema import shape
from engine.metadata.model import Entity, Form, Model, View
from engine.metadata.relations import relate
from engine.metadata.report import Report
from engine.metadata.rights import Rights
from engine.metadata.scope import EntitiesSource
from engine.metadata.screens import Screens

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
    _, problems = _build(layers, 0, languages, currency, timezone)
    return tuple(sorted(problems, key=by_place))


def _build(
    layers: Sequence[Layer], revision: int, languages: Sequence[str], currency: str, timezone: str
) -> tuple[Model | None, list[Problem]]:
    composed = compose(layers)
    problems = composed.problems
    sound = Composed(
        documents={doc: body for doc, body in composed.documents.items() if _shaped(composed, doc, body)},
        origins=composed.origins,
        layers=composed.layers,
        provenance=composed.provenance,
        problems=problems,
    )
    report = Report(sound)
    report.problems = problems
    whole = len(sound.documents) == len(composed.documents)
    entities = _entities(report, currency)
    source = EntitiesSource(entities)
    roles = Rights(report, entities, source).run()
    screens = Screens(report, entities, source, roles)
    views = screens.views()
    forms = screens.forms(views)
    menus = screens.menus(views)
    if not whole or any(each.severity == "error" for each in problems):
        return None, problems
    model = Model(
        revision=revision,
        checksum=_checksum(composed.documents),
        entities=entities,
        views=_all_views(views, entities),
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


def _shaped(composed: Composed, doc: str, body: Mapping[str, Any]) -> bool:
    """Note what is wrong with the shape of a document; whether nothing is."""
    faults = shape(doc.partition("/")[0]).check(body)
    for fault in faults or ():
        path = tuple(reversed(fault.path))
        place = composed.place(doc, path, key=fault.key)
        composed.problems.append(Problem(fault.message, place, join(path), fault.code, fault.advice))
    return not faults


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


def _all_views(views: Mapping[str, View], entities: Mapping[str, Entity]) -> dict[str, View]:
    made = {key: complete(view, entities[view.entity]) for key, view in views.items()}
    shown = {view.entity for view in views.values()}
    for entity in entities.values():
        if entity.key not in shown and f"{entity.key}.all" not in made:
            made[f"{entity.key}.all"] = derive_view(entity)
    return made


def _all_forms(forms: Mapping[str, Form], entities: Mapping[str, Entity]) -> dict[str, Form]:
    made = dict(forms)
    for entity in entities.values():
        if f"{entity.key}.default" not in made:
            made[f"{entity.key}.default"] = derive_form(entity)
    return made
