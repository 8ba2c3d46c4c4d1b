from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import lru_cache

import pytest

from analysis.errors import DataError
from analysis.mask import HeadMask
from analysis.passes import course
from analysis.progress import Step, breathe, finish, is_shared, once_at_a_time
from analysis.ui import computing, jobs
from analysis.ui.desk import Desk
from analysis.ui.jobs import Job, Urgency
from analysis.ui.resources import Workspace


def count(to: int, pause: float = 0.0) -> Iterator[Step[int]]:
    for done in range(1, to + 1):
        time.sleep(pause)
        yield Step(done, to, "numbers", done)


def ask(desk: Desk, key: str, work, owner: str = "anna", kind: str = "sum", **options):
    return desk.ask(key, work, owner=owner, kind=kind, title=key, **options)


def wait_for_step(job) -> None:
    while job.step is None:
        time.sleep(0.001)


def test_a_finished_job_holds_the_last_result() -> None:
    job = ask(Desk(), "a", lambda: count(3))
    assert job.wait(5)
    assert (job.state, job.result, job.share, job.remaining) == ("done", 3, 1.0, None)


def test_a_first_result_can_be_awaited_and_so_can_the_end_of_a_job_without_one() -> None:
    desk, gate = Desk(), threading.Event()

    def grows() -> Iterator[Step[int]]:
        yield Step(1, 3, "numbers")
        yield Step(2, 3, "numbers", 2)
        gate.wait(5)

    growing = ask(desk, "grows", grows)
    assert growing.wait_known(5)
    assert (growing.result, growing.is_open) == (2, True)
    gate.set()

    def fails() -> Iterator[Step[int]]:
        raise DataError("no")
        yield

    failing = ask(desk, "fails", fails, kind="other")
    assert failing.wait_known(5)
    assert failing.result is None


@pytest.mark.parametrize("is_awaited", [True, False])
def test_work_stands_still_while_its_first_estimate_is_about_to_be_shown(
    monkeypatch: pytest.MonkeyPatch, is_awaited: bool
) -> None:
    monkeypatch.setattr(jobs, "BREATH", 60)
    begin, second = threading.Event(), threading.Event()

    def grows() -> Iterator[Step[int]]:
        begin.wait(5)
        yield Step(1, 3, "numbers", 1)
        second.set()
        yield Step(2, 3, "numbers", 2)
        yield Step(3, 3, "numbers", 3)

    job = ask(Desk(), "grows", grows)
    if is_awaited:
        job.about_to_be_shown()
    begin.set()
    assert job.wait_known(5)
    assert second.wait(0.2) is not is_awaited
    job.shown()
    assert job.wait(5)
    assert job.answer == 3


def test_work_that_is_no_longer_wanted_does_not_wait_to_be_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "BREATH", 60)
    begin = threading.Event()

    def grows() -> Iterator[Step[int]]:
        begin.wait(5)
        yield from count(3)

    job = ask(Desk(), "grows", grows)
    job.about_to_be_shown()
    begin.set()
    assert job.wait_known(5)
    job.stop()
    job.about_to_be_shown()
    assert job.wait(5)
    assert job.state == "cancelled"


def test_an_ended_job_lets_go_of_what_it_needed() -> None:
    desk = Desk()
    needed = ask(desk, "large", lambda: count(3))
    job = ask(desk, "small", lambda found: count(found), kind="other", after=[needed])
    assert job.wait(5)
    assert (job.result, job.after) == (3, ())


def test_equal_requests_share_one_job_and_it_is_not_done_twice() -> None:
    desk = Desk()
    first = ask(desk, "a", lambda: count(3))
    assert first.wait(5)
    assert ask(desk, "a", lambda: pytest.fail("done twice"), owner="bert") is first


def test_a_newer_request_of_a_session_stops_its_older_one() -> None:
    desk = Desk()
    old = ask(desk, "old", lambda: count(10_000, 0.001))
    wait_for_step(old)
    new = ask(desk, "new", lambda: count(1))
    assert old.wait(5)
    assert new.wait(5)
    assert (old.state, new.state) == ("cancelled", "done")


def test_superseded_work_can_be_asked_for_again() -> None:
    desk = Desk()
    ask(desk, "a", lambda: count(10_000, 0.001))
    ask(desk, "b", lambda: count(1))
    again = ask(desk, "a", lambda: count(2))
    assert again.wait(5)
    assert again.result == 2


def test_work_that_another_session_wants_goes_on() -> None:
    desk = Desk()
    shared = ask(desk, "shared", lambda: count(50, 0.002))
    ask(desk, "shared", lambda: count(1), owner="bert")
    ask(desk, "other", lambda: count(1))
    assert shared.wait(5)
    assert shared.state == "done"


def test_work_of_another_kind_goes_on() -> None:
    desk = Desk()
    one = ask(desk, "one", lambda: count(20, 0.001), kind="one")
    ask(desk, "two", lambda: count(1), kind="two")
    assert one.wait(5)
    assert one.state == "done"


def test_cancelling_closes_the_generator_and_is_remembered() -> None:
    closed = threading.Event()

    def work() -> Iterator[Step[int]]:
        try:
            yield from count(10_000, 0.001)
        finally:
            closed.set()

    desk = Desk()
    job = ask(desk, "a", work)
    wait_for_step(job)
    desk.cancel(job)
    assert job.wait(5)
    assert closed.is_set()
    assert ask(desk, "a", work).state == "cancelled"
    desk.forget("a")
    fresh = ask(desk, "a", lambda: count(1))
    assert fresh.wait(5)
    assert fresh.state == "done"


def test_a_known_error_becomes_its_own_sentence() -> None:
    def work() -> Iterator[Step[int]]:
        raise DataError("no column named 'txt'")
        yield

    job = ask(Desk(), "a", work)
    assert job.wait(5)
    assert (job.state, job.error) == ("failed", "no column named 'txt'")


def test_an_unknown_error_names_the_work(caplog: pytest.LogCaptureFixture) -> None:
    job = ask(Desk(), "a", lambda: iter([Step(1, 1 // 0, "numbers")]))
    assert job.wait(5)
    assert job.state == "failed"
    assert job.error.startswith("a failed unexpectedly (ZeroDivisionError")
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("is_one_step", [False, True])
def test_only_one_job_is_at_work_at_a_time(is_one_step: bool) -> None:
    inside = most = 0

    def parts() -> Iterator[Step[int]]:
        nonlocal inside, most
        for done in range(20):
            inside += 1
            most = max(most, inside)
            time.sleep(0.0005)
            inside -= 1
            yield Step(done + 1, 20, "numbers", done)

    def whole() -> Iterator[Step[int]]:
        yield Step(1, 1, "masks", finish(parts()))

    desk, work = Desk(), whole if is_one_step else parts
    jobs = [ask(desk, f"{n}", work, owner=f"{n}") for n in range(4)]
    assert all(job.wait(10) for job in jobs)
    assert {job.result for job in jobs} == {19}
    assert most == 1


def test_a_click_overtakes_a_long_sweep() -> None:
    desk = Desk()
    sweep = ask(desk, "sweep", lambda: count(300, 0.002), kind="sweep", urgency=Urgency.LONG)
    wait_for_step(sweep)
    click = ask(desk, "click", lambda: count(5, 0.001), kind="click", urgency=Urgency.CLICK)
    assert click.wait(5)
    assert sweep.is_open
    desk.cancel(sweep)
    assert sweep.wait(5)


def long_step(parts: int, begun: threading.Event) -> Iterator[Step[int]]:
    """One step that holds other work, run to its end inside it."""

    def inner() -> Iterator[Step[int]]:
        for step in count(parts, 0.002):
            begun.set()
            yield step

    yield Step(1, 1, "masks", finish(inner()))


def test_a_click_goes_first_in_the_middle_of_a_step_too() -> None:
    desk, begun = Desk(), threading.Event()
    sweep = ask(desk, "sweep", lambda: long_step(1000, begun), kind="sweep", urgency=Urgency.LONG)
    assert begun.wait(5)
    click = ask(desk, "click", lambda: count(5, 0.001), kind="click", urgency=Urgency.CLICK)
    assert click.wait(5)
    assert sweep.is_open
    assert sweep.step is None
    assert sweep.wait(20)
    assert (sweep.state, sweep.result) == ("done", 1000)


def first_and_rest(desk: Desk, name: str, parts: int, begun: threading.Event) -> Job[int]:
    """A click's work: one step to a first estimate, a second one to the exact answer."""

    def work() -> Iterator[Step[int]]:
        for done in (1, 2):
            for _ in count(parts, 0.001):
                begun.set()
                breathe()
            yield Step(done, 2, "masks", done)

    return ask(desk, name, work, owner=name, kind=name, urgency=Urgency.CLICK)


def test_a_first_estimate_goes_before_the_rest_of_another_persons_answer() -> None:
    desk, begun = Desk(), threading.Event()
    exact = first_and_rest(desk, "exact", 300, begun)
    assert exact.wait_known(5)
    click = first_and_rest(desk, "click", 5, begun)
    assert click.wait_known(5)
    assert exact.urgency_now is Urgency.REST
    assert exact.is_open
    desk.cancel(exact)
    assert click.wait(5)


def test_exact_answers_are_not_done_in_parts_by_turns_within_a_step() -> None:
    desk, begun = Desk(), threading.Event()
    first = first_and_rest(desk, "first", 200, begun)
    assert first.wait_known(5)
    second = first_and_rest(desk, "second", 5, begun)
    assert second.wait(5)
    assert first.step is not None
    assert first.step.done == 2
    assert first.wait(5)


def test_an_answer_that_is_whole_is_done_before_the_rest_of_another() -> None:
    desk, begun = Desk(), threading.Event()

    def steps() -> Iterator[Step[int]]:
        for done in range(1, 400):
            time.sleep(0.002)
            begun.set()
            yield Step(done, 400, "masks", done)

    long = ask(desk, "long", steps, kind="long", urgency=Urgency.CLICK)
    assert begun.wait(5)
    whole = ask(desk, "whole", lambda: count(1), kind="whole", urgency=Urgency.CLICK)
    assert whole.wait(5)
    assert long.is_open
    desk.cancel(long)
    assert long.wait(5)


def test_a_click_comes_while_the_models_way_of_passing_is_still_looked_at(
    distilbert, text, monkeypatch
) -> None:
    """Both need the same replay: who makes it holds a lock, and would wait for ever if it let the other go first."""
    inside, clicked = threading.Event(), threading.Event()
    plain = course._same_answers

    def slow(*given):
        inside.set()
        clicked.wait(5)
        return plain(*given)

    monkeypatch.setattr(course, "_same_answers", slow)
    monkeypatch.setattr(course, "_verdicts", {})
    here, desk = Workspace(distilbert, text, "tiny"), Desk()
    full = HeadMask.full(distilbert.anatomy)
    forecast = ask(
        desk,
        "forecast",
        lambda: computing.foreseeing(here),
        kind="forecast",
        urgency=Urgency.LONG,
    )
    assert inside.wait(20)
    click = ask(
        desk,
        "click",
        lambda: computing.evaluating(here, full, "selection", None, "zero", "float32"),
        kind="click",
        urgency=Urgency.CLICK,
    )
    while not desk._turnstile._waiting:
        time.sleep(0.001)
    clicked.set()
    assert click.wait(20)
    assert forecast.wait(20)
    assert (click.state, forecast.state) == ("done", "done")


def test_first_estimates_come_one_after_the_other() -> None:
    desk, begun = Desk(), threading.Event()
    first = first_and_rest(desk, "first", 50, begun)
    assert begun.wait(5)
    second = first_and_rest(desk, "second", 5, begun)
    assert second.wait_known(5)
    assert first.result is not None
    assert first.wait(5)
    assert second.wait(5)


def test_work_is_stopped_in_the_middle_of_a_step() -> None:
    desk, begun = Desk(), threading.Event()
    sweep = ask(desk, "sweep", lambda: long_step(100_000, begun), kind="sweep")
    assert begun.wait(5)
    desk.cancel(sweep)
    assert sweep.wait(5)
    assert (sweep.state, sweep.step, sweep.error) == ("cancelled", None, "")


@pytest.mark.parametrize("second", [Urgency.CLICK, Urgency.LONG])
def test_what_two_ask_for_is_looked_for_once_whoever_is_more_urgent(second: Urgency) -> None:
    calls: list[int] = []

    @once_at_a_time
    @lru_cache(maxsize=2)
    def dear(what: int) -> int:
        calls.append(what)
        return finish(count(100 * what, 0.001))

    def work() -> Iterator[Step[int]]:
        yield Step(1, 1, "numbers", dear(2))

    desk = Desk()
    first = ask(desk, "first", work, kind="one", urgency=Urgency.LONG)
    while not calls:
        time.sleep(0.001)
    other = ask(desk, "other", work, kind="two", urgency=second)
    assert first.wait(10)
    assert other.wait(10)
    assert (first.result, other.result) == (200, 200)
    assert calls == [2]


def test_where_the_first_is_stopped_the_next_looks_for_it() -> None:
    calls: list[int] = []

    @once_at_a_time
    @lru_cache(maxsize=2)
    def dear(what: int) -> int:
        calls.append(what)
        return finish(count(300, 0.001))

    def work() -> Iterator[Step[int]]:
        yield Step(1, 1, "numbers", dear(1))

    desk = Desk()
    first = ask(desk, "first", work, kind="one")
    while not calls:
        time.sleep(0.001)
    other, waiting = (ask(desk, name, work, kind=name) for name in ("other", "waiting"))
    desk.cancel(waiting)
    assert waiting.wait(5)
    assert waiting.state == "cancelled"
    desk.cancel(first)
    assert other.wait(10)
    assert (first.state, other.result, calls) == ("cancelled", 300, [1, 1])


def test_only_work_of_a_desk_shares_the_processor() -> None:
    seen: list[bool] = []

    def work() -> Iterator[Step[int]]:
        seen.append(is_shared())
        yield Step(1, 1, "numbers", 1)

    assert ask(Desk(), "a", work).wait(5)
    finish(work())
    assert seen == [True, False]


def test_old_results_make_room() -> None:
    desk = Desk(keep=2)
    for key in "abcd":
        assert ask(desk, key, lambda: count(1)).wait(5)
    assert desk.find("a") is None
    assert desk.find("d") is not None


def test_the_open_jobs_are_listed_oldest_first() -> None:
    desk = Desk()
    first = ask(desk, "first", lambda: count(10_000, 0.001), kind="one")
    second = ask(desk, "second", lambda: count(10_000, 0.001), kind="two")
    assert desk.open_jobs() == (first, second)
    for job in (first, second):
        desk.cancel(job)
        assert job.wait(5)
    assert desk.open_jobs() == ()


def test_a_job_is_called_with_the_results_that_it_waits_for() -> None:
    desk = Desk()
    first = ask(desk, "first", lambda: count(3, 0.002), kind="one")
    second = ask(desk, "second", lambda got: count(got + 1), kind="two", after=[first])
    assert second.wait(5)
    assert second.result == 4


def test_a_job_fails_with_the_sentence_of_what_it_waits_for() -> None:
    def work() -> Iterator[Step[int]]:
        raise DataError("no such file")
        yield

    desk = Desk()
    first = ask(desk, "first", work, kind="one")
    second = ask(desk, "second", lambda got: count(1), kind="two", after=[first])
    assert second.wait(5)
    assert (second.state, second.error) == ("failed", "no such file")


def test_lasting_work_is_not_superseded_and_is_listed_when_it_has_ended() -> None:
    desk = Desk()
    first = ask(desk, "first", lambda: count(20, 0.001), is_lasting=True)
    second = ask(desk, "second", lambda: count(20, 0.001), is_lasting=True)
    assert first.wait(5)
    assert second.wait(5)
    assert (first.state, second.state) == ("done", "done")
    assert ask(desk, "passing", lambda: count(1)).wait(5)
    assert set(desk.finished(5)) == {first, second}
    assert desk.finished(5)[0].ended >= desk.finished(5)[1].ended
    assert desk.finished(1) == desk.finished(5)[:1]


def test_whoever_comes_back_after_a_reload_keeps_the_work_urgent(monkeypatch) -> None:
    monkeypatch.setattr(jobs, "INATTENTIVE", 0.0)
    desk = Desk()
    job = ask(desk, "a", lambda: count(10_000, 0.001), owner="before")
    assert job.urgency_now is Urgency.LONG
    job.looked_at("after")
    assert "after" not in job.owners  # looking at the list of all work is no claim
    monkeypatch.setattr(jobs, "INATTENTIVE", 60.0)
    job.joined_by("after")
    ask(desk, "b", lambda: count(1), owner="before")
    assert "before" not in job.owners
    assert job.is_open
    assert job.urgency_now is Urgency.PAGE
    job.stop()
    assert job.wait(5)


def test_a_job_knows_where_it_was_asked_for() -> None:
    here = jobs.Origin("curves", {"methods": "random"})
    desk = Desk(origin=lambda: here)
    assert ask(desk, "a", lambda: count(1)).origin == here
    assert ask(Desk(), "a", lambda: count(1)).origin is None
