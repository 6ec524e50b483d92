"""Step 8, states: the state field moves along declared transitions only, and writing it is the matching transition."""

from __future__ import annotations

from engine.data.batch import Batch, Draft
from engine.data.shape import Shape
from engine.data.steps.evaluate import Evaluation
from engine.data.steps.validate import is_missing, required
from engine.data.unit import Unit
from engine.i18n import Message, Text
from engine.metadata.model import Field, Transition


def check_states(unit: Unit, shape: Shape, batch: Batch, evaluation: Evaluation, *, late: bool = False) -> None:
    """Refuse moves that no transition makes, that the principal may not make, or that lack what they require.

    `late` are records whose child rows were given along and whose transitions may look at them: asked once they stand.
    """
    states = shape.entity.states
    if states is None:
        return
    field = shape.entity.fields[states.field]
    named = states.transitions.get(batch.transition) if batch.transition is not None else None
    for draft in batch.drafts:
        if draft.failed or late != (bool(draft.children) and shape.late_transitions):
            continue
        if draft.old is None:
            _check_start(unit, shape, batch, draft, field)
        elif field.key in draft.changed or named is not None:
            _check_move(unit, shape, batch, draft, field, named, evaluation)


def _check_start(unit: Unit, shape: Shape, batch: Batch, draft: Draft, field: Field) -> None:
    """A new record starts where records start; the product itself and imports may bring one from elsewhere."""
    state = draft.new.get(field.key)
    if state is None or state in start_states(shape, field) or unit.principal.system:
        return
    if unit.via.startswith("import") and unit.access.may(shape.entity.key, "import"):
        return
    message = Message("A new {label} cannot be “{state}”", label=shape.entity.label, state=_label(field, state))
    batch.refuse(draft, field.key, message, "transition")


def start_states(shape: Shape, field: Field) -> frozenset[str]:
    """Return the states in which a record may be made: the default; without one, those that nothing leads to."""
    states = shape.entity.states
    assert states is not None  # noqa: S101 - the caller has states
    if field.default is not None:
        return frozenset((field.default,))
    reached = {transition.to for transition in states.transitions.values()}
    return frozenset(key for key in field.choices if key not in reached) or frozenset(field.choices)


def _check_move(
    unit: Unit,
    shape: Shape,
    batch: Batch,
    draft: Draft,
    field: Field,
    named: Transition | None,
    evaluation: Evaluation,
) -> None:
    states = shape.entity.states
    assert states is not None and draft.old is not None  # noqa: S101, PT018 - the caller has both
    source, target = draft.old.get(field.key), draft.new.get(field.key)
    candidates = [named] if named is not None else list(states.transitions.values())
    fitting = [each for each in candidates if each.to == target and (not each.sources or source in each.sources)]
    if not fitting:
        batch.refuse(draft, field.key, _no_way(field, source, target, named), "transition")
        return
    allowed = [each for each in fitting if unit.access.may_make(each)]
    if not allowed:
        batch.refuse(draft, field.key, Message("You may not do this: {label}", label=fitting[0].label), "denied")
        return
    problem = ""
    for transition in allowed:
        condition = shape.transitions[transition.key]
        if condition is not None and not evaluation.true(condition, [draft]):
            problem = problem or transition.key
            continue
        for key in transition.requires:
            needed = shape.entity.fields[key]
            if is_missing(shape, draft, needed):
                batch.refuse(draft, key, required(needed), "required")
        return
    label = states.transitions[problem].label
    batch.refuse(draft, field.key, Message("This cannot be done now: {label}", label=label), "transition")


def _no_way(field: Field, source: str | None, target: str | None, named: Transition | None) -> Message:
    if named is not None:
        return Message(
            "{label} cannot be done from “{state}”", label=named.label, state=_label(field, source) if source else ""
        )
    return Message(
        "{label} cannot go from “{source}” to “{target}”",
        label=field.label,
        source=_label(field, source),
        target=_label(field, target),
    )


def _label(field: Field, state: str | None) -> Text | str:
    option = field.choices.get(state or "")
    return option.label if option is not None else (state or "")
