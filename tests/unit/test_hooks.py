"""Plugins take part where the specifications say, and a failing one does what its hook promises, no more."""

import inspect
import logging
import re
import threading
import timeit
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.errors import AccessDenied, BadValue, FieldProblem, RecordInvalid, SiteBroken, StaleModel
from engine.hooks import BREAK_AFTER, SPECIFICATIONS, Batch, Hooks, hookimpl, specs
from engine.i18n import Message

ARCHITECTURE = """setup field_types operators actions triggers widgets before_save after_save before_delete named_rules
routes navigation page_slots api_tools notifiers storages commands"""


@dataclass
class Leads:
    """A batch as `Records` hands it over."""

    entity: str = "lead"
    action: str = "create"
    actor: Any = None
    rows: Sequence[Mapping[str, Any]] = ({"id": "1", "name": "ann"},)
    old: Sequence[Mapping[str, Any] | None] = (None,)
    given: list[tuple[str, str, Any]] = field(default_factory=list)

    def set(self, id: str, field: str, value: Any) -> None:  # noqa: A002
        self.given.append((id, field, value))

    def reject(self, id: str, field: str, message: Message | str) -> None:  # noqa: A002
        self.given.append((id, field, message))


def plugin(**functions: Any) -> Any:
    """An object with these functions as implementations; keywords of `hookimpl` stand in `options`."""
    options = functions.pop("options", {})
    marked = {name: staticmethod(hookimpl(function, **options)) for name, function in functions.items()}
    return type("Plugin", (), marked)()


def fail(error: Exception) -> Any:
    def before_save(batch: Batch) -> None:
        raise error

    return before_save


def test_every_hook_says_when_it_is_called_and_what_an_error_does() -> None:
    assert set(SPECIFICATIONS) == {*ARCHITECTURE.split(), "changed", "password_breached", "shared"}
    for name in SPECIFICATIONS:
        text = re.sub(r"\s+", " ", inspect.getdoc(getattr(specs, name)) or "")
        assert re.search(r"\bCalled\b", text), name
        assert re.search(r"(inside|outside any|its read) transaction|inside the transaction", text), name
        assert re.search(r"\b[Ee]rror", text), name
        hints = inspect.get_annotations(getattr(specs, name))
        assert "return" in hints, name


def test_a_hook_that_nobody_implements_costs_nothing() -> None:
    hooks = Hooks([plugin(after_save=lambda batch: None)])

    seconds = min(timeit.repeat(lambda: hooks.listens("before_save"), number=10_000, repeat=5)) / 10_000

    assert not hooks.listens("before_save")
    assert hooks.call("before_save", batch=Leads()) == []
    assert seconds < 1e-6


def test_an_implementation_may_change_a_value_and_take_fewer_arguments() -> None:
    batch = Leads()

    def before_save(batch: Batch) -> None:
        for row in batch.rows:
            batch.set(row["id"], "name", row["name"].title())

    def page_slots(name: str) -> str | None:
        return f"<b>{name}</b>" if name == "record.side" else None

    hooks = Hooks([plugin(before_save=before_save, page_slots=page_slots)])
    hooks.call("before_save", batch=batch)

    assert batch.given == [("1", "name", "Ann")]
    assert hooks.call("page_slots", name="record.side", context={}) == ["<b>record.side</b>"]
    assert hooks.call("page_slots", name="list.top", context={}) == []


def test_plugins_are_called_in_the_order_in_which_they_were_registered() -> None:
    hooks = Hooks()
    for name, options in {
        "first": {},
        "late": {"trylast": True},
        "early": {"tryfirst": True},
        "second": {},
        "earlier": {"tryfirst": True},
    }.items():
        hooks.register(plugin(navigation=lambda name=name: [name], options=options), name)

    assert hooks.collect("navigation", actor=None) == [
        ("early", ["early"]),
        ("earlier", ["earlier"]),
        ("first", ["first"]),
        ("second", ["second"]),
        ("late", ["late"]),
    ]
    assert hooks.plugins == ("first", "late", "early", "second", "earlier")


def test_a_plugin_that_is_taken_out_is_no_longer_called() -> None:
    greeter = plugin(navigation=lambda: ["hello"])
    hooks = Hooks()
    hooks.register(greeter, "greeter")

    hooks.unregister(greeter)
    hooks.unregister(greeter)

    assert not hooks.listens("navigation")
    assert hooks.health() == []
    assert hooks.register(greeter, "greeter") == "greeter"
    assert hooks.call("navigation", actor=None) == [["hello"]]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            plugin(befor_save=lambda batch: None),
            "The plugin acme implements befor_save, which is no hook (did you mean before_save?)",
        ),
        (plugin(xyz=lambda: None), "The plugin acme implements xyz, which is no hook"),
        (
            plugin(before_save=lambda batc: None),
            (
                "The plugin acme cannot be used: Argument(s) {'batc'} are declared in the hookimpl but can not be found"
                " in the hookspec"
            ),
        ),
        (
            plugin(before_save=lambda batch: (yield), options={"wrapper": True}),
            "The plugin acme wraps before_save; hooks cannot be wrapped",
        ),
    ],
)
def test_a_plugin_that_cannot_work_is_refused_with_the_reason(wrong: Any, message: str) -> None:
    hooks = Hooks()

    with pytest.raises(SiteBroken) as refused:
        hooks.register(wrong, "acme")

    assert str(refused.value) == message
    assert hooks.plugins == ()
    assert hooks.register(plugin(after_save=lambda batch: None), "acme") == "acme"


def test_a_second_plugin_of_a_name_leaves_the_first_one_alone() -> None:
    first = plugin(navigation=lambda: [1])
    hooks = Hooks()
    hooks.register(first, "acme")

    for second in (first, plugin(navigation=lambda: [2])):
        with pytest.raises(SiteBroken, match="There are two plugins acme"):
            hooks.register(second, "acme")

    assert hooks.call("navigation", actor=None) == [[1]]


def test_an_error_before_a_write_refuses_it_and_names_the_plugin(caplog: pytest.LogCaptureFixture) -> None:
    hooks = Hooks()
    hooks.register(plugin(before_save=fail(ZeroDivisionError("1/0"))), "acme")

    for _ in range(BREAK_AFTER + 2):
        with pytest.raises(RecordInvalid) as refused:
            hooks.call("before_save", batch=Leads())

    assert refused.value.problems == (
        FieldProblem("", Message("The plugin {plugin} failed, so nothing was saved", plugin="acme"), code="plugin"),
    )
    assert refused.value.problems[0].message.in_("zh") == "插件 acme 出错，因此没有保存任何内容"
    assert isinstance(refused.value.__cause__, ZeroDivisionError)
    assert "ZeroDivisionError: 1/0" in caplog.text, "the log has what the person is spared"
    assert not hooks.health()[0].broken, "what guards a write is never left out"


def test_a_value_that_a_plugin_refuses_is_told_with_its_reason() -> None:
    hooks = Hooks()
    hooks.register(plugin(before_save=fail(BadValue(Message("No more than this")))), "acme")

    with pytest.raises(RecordInvalid) as refused:
        hooks.call("before_save", batch=Leads())

    assert str(refused.value.problems[0].message) == "acme: No more than this"
    assert refused.value.problems[0].message.in_("zh") == "acme：No more than this"


@pytest.mark.parametrize(
    "error", [RecordInvalid([FieldProblem("name", Message("taken"))]), AccessDenied("no"), StaleModel(1, 2)]
)
def test_what_is_said_on_purpose_is_passed_on(error: Exception) -> None:
    hooks = Hooks([plugin(before_delete=fail(error))])

    with pytest.raises(type(error)) as passed:
        hooks.call("before_delete", batch=Leads())

    assert passed.value is error


def test_an_error_after_a_write_keeps_the_others_going_and_breaks_after_five(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[str] = []

    def bad(batch: Batch) -> None:
        calls.append("bad")
        raise RuntimeError("no mail server")

    hooks = Hooks()
    hooks.register(plugin(after_save=bad), "bad")
    hooks.register(plugin(after_save=lambda batch: calls.append("good")), "good")

    for _ in range(BREAK_AFTER + 2):
        hooks.call("after_save", batch=Leads())

    assert calls.count("bad") == BREAK_AFTER
    assert calls.count("good") == BREAK_AFTER + 2
    worst = hooks.health()[0]
    assert (worst.plugin, worst.broken, worst.failures, worst.error) == ("bad", True, 5, "RuntimeError: no mail server")
    assert worst.failed_at is not None
    assert "after_save of plugin bad failed 5 times in a row and is no longer called" in caplog.text

    hooks.mend("bad")
    hooks.call("after_save", batch=Leads())

    assert calls.count("bad") == BREAK_AFTER + 1


def test_a_success_in_between_keeps_the_circuit_whole() -> None:
    answers = iter([0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0])
    hooks = Hooks([plugin(page_slots=lambda name: str(1 // next(answers)))])

    slots = [hooks.call("page_slots", name="x", context={}) for _ in range(11)]

    assert slots.count(["1"]) == 2
    assert not hooks.health()[0].broken
    assert hooks.health()[0].failures == 1


def test_an_error_in_a_generator_belongs_to_the_plugin_that_wrote_it() -> None:
    def navigation(actor: Any) -> Iterator[str]:
        yield "first"
        raise ValueError(actor)

    hooks = Hooks()
    hooks.register(plugin(navigation=navigation), "bad")
    hooks.register(plugin(navigation=lambda: (each for each in "ab")), "good")

    assert hooks.collect("navigation", actor="ann") == [("good", ["a", "b"])]
    assert {each.plugin: each.error for each in hooks.health()} == {"bad": "ValueError: ann", "good": ""}


def test_an_error_at_the_start_stops_it_and_names_the_plugin() -> None:
    def setup(site: Any) -> None:
        raise OSError("no licence file")

    hooks = Hooks()
    hooks.register(plugin(setup=setup), "acme")

    with pytest.raises(SiteBroken, match="The plugin acme failed in setup: no licence file"):
        hooks.call("setup", site=None)


def test_an_error_of_a_layer_of_the_engine_goes_to_the_caller_as_it_is() -> None:
    error = LookupError("no such run")

    def changed(batch: Batch, connection: Any) -> None:
        raise error

    hooks = Hooks([plugin(changed=changed)])

    with pytest.raises(LookupError) as passed:
        hooks.call("changed", batch=Leads(), connection=None)

    assert passed.value is error


def test_each_implementation_runs_in_a_guard_of_its_own_that_learns_of_its_error() -> None:
    seen: list[str] = []

    @contextmanager
    def savepoint() -> Iterator[None]:
        seen.append("begin")
        try:
            yield
        except RuntimeError:
            seen.append("rollback")
            raise
        seen.append("release")

    def bad(batch: Batch) -> None:
        raise RuntimeError

    hooks = Hooks([plugin(after_save=bad), plugin(after_save=lambda batch: None)])
    hooks.call("after_save", guard=savepoint, batch=Leads())

    assert seen == ["begin", "rollback", "begin", "release"]


def test_a_caller_that_forgets_an_argument_is_told_and_the_plugin_is_not_blamed() -> None:
    hooks = Hooks([plugin(page_slots=lambda name, context: "")])

    with pytest.raises(KeyError, match="context"):
        hooks.call("page_slots", name="x")

    assert hooks.health()[0].failures == 0


def test_a_slow_hook_is_measured_and_reported_ever_more_seldom(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([value for call in range(6) for value in (call, call + 0.072)])
    monkeypatch.setattr("engine.hooks.calls.time.perf_counter", lambda: next(clock))
    caplog.set_level(logging.WARNING)
    hooks = Hooks()
    hooks.register(plugin(after_save=lambda batch: None), "acme")

    for _ in range(6):
        hooks.call("after_save", batch=Leads())

    health = hooks.health()[0]
    assert (health.calls, health.slow) == (6, 6)
    assert health.worst == pytest.approx(0.072)
    assert health.seconds == pytest.approx(6 * 0.072)
    assert caplog.messages == ["after_save of plugin acme took 72 ms"] * 3, "the 1st, the 2nd and the 4th time"


def test_hooks_are_called_from_many_threads_while_plugins_come_and_go() -> None:
    hooks = Hooks([plugin(navigation=lambda: [1])])
    comer = plugin(navigation=lambda: [2])
    errors: list[BaseException] = []

    def call() -> None:
        try:
            for _ in range(500):
                assert hooks.call("navigation", actor=None) in ([[1]], [[1], [2]])
        except BaseException as error:  # noqa: BLE001 - handed to the main thread
            errors.append(error)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        hooks.register(comer, "comer")
        hooks.unregister(comer)
    for thread in threads:
        thread.join()

    assert errors == []


def test_a_plugin_may_watch_some_entities_and_is_left_alone_with_the_others() -> None:
    calls: list[str] = []
    keeper = plugin(before_save=lambda batch: calls.append(batch.entity))
    keeper.watches = ["user", "team"]
    hooks = Hooks([keeper])

    for entity in ("lead", "user"):
        hooks.call("before_save", batch=Leads(entity))

    assert calls == ["user"]
    assert hooks.listens("before_save")
    assert hooks.listens("before_save", "team")
    assert not hooks.listens("before_save", "lead")
    assert not hooks.listens("after_save", "user")


def test_a_broken_implementation_no_longer_listens_to_an_entity() -> None:
    def after_save(batch: Batch) -> None:
        raise OSError

    hooks = Hooks([plugin(after_save=after_save)])

    for _ in range(BREAK_AFTER):
        assert hooks.listens("after_save", "lead")
        hooks.call("after_save", batch=Leads())

    assert not hooks.listens("after_save", "lead")
