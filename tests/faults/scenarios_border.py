"""An app whose hooks, session store, error pages and routes fail, or answer in the place of a delivery."""

from __future__ import annotations

from tests.faults.play import Play
from tests.faults.scenario import scenario
from tests.faults.stage import Setup

INTERFERING = Setup(settings=(("BENCH_INTERFERENCE", "1"),))


@scenario(INTERFERING)
def an_interfering_app_that_does_nothing(play: Play) -> None:
    """Hooks, error pages and a catch-all route that have no occasion to act change nothing; one run."""
    play.task(statuses=(200,))


@scenario(INTERFERING)
def an_error_page_hides_every_failure(play: Play) -> None:
    """The app answers each failure 200: 503 all the same, until the third and last is recorded."""
    task = play.expect(handler="frail", end="dead", runs=(3, 3), body=b"cursed", statuses=(503, 503, 200))
    play.order(task, "begun", "fail", times=9)
    play.send(task)


@scenario(INTERFERING)
def an_after_request_fails_after_every_failure(play: Play) -> None:
    """The same where the page of the failure fails too, and the app answers 200 to that."""
    task = play.expect(handler="frail", end="dead", runs=(3, 3), body=b"cursed", statuses=(503, 503, 200))
    play.order(task, "begun", "fail", times=9)
    play.order(task, "hook.after", "raise", times=9)
    play.send(task)


@scenario(INTERFERING)
def an_after_request_fails_after_the_completion(play: Play) -> None:
    """The completion is recorded: 200, one run."""
    task = play.expect(statuses=(200,))
    play.order(task, "hook.after", "raise", times=9)
    play.send(task)
    play.see(task, "hook.after")


@scenario(INTERFERING)
def an_after_request_answers_for_a_failure(play: Play) -> None:
    """Whatever it makes of the answer, 503 is sent, and the next delivery runs the task."""
    task = play.expect(runs=(2, 2), statuses=(503, 200))
    play.order(task, "begun", "fail")
    play.order(task, "hook.after", "answer", times=9)
    play.send(task)


@scenario(INTERFERING)
def a_teardown_fails_after_the_completion(play: Play) -> None:
    """The completion is recorded: 200, one run."""
    task = play.expect(statuses=(200,))
    play.order(task, "hook.teardown", "raise", times=9)
    play.send(task)
    play.see(task, "hook.teardown")


@scenario(INTERFERING)
def a_teardown_fails_after_a_failure(play: Play) -> None:
    """503, and the next delivery runs the task."""
    task = play.expect(runs=(2, 2), statuses=(503, 200))
    play.order(task, "begun", "fail")
    play.order(task, "hook.teardown", "raise")
    play.send(task)


@scenario(INTERFERING)
def a_session_cannot_be_saved(play: Play) -> None:
    """A completion is answered 200, a failure 503, whatever the session store says."""
    task = play.expect(runs=(2, 2), statuses=(503, 200))
    play.order(task, "begun", "fail")
    play.order(task, "hook.save-session", "raise", times=9)
    play.send(task)


@scenario(INTERFERING)
def a_session_cannot_be_opened(play: Play) -> None:
    """The handler is not reached, nothing is recorded: 503 until it can be."""
    task = play.expect(statuses=(503, 503, 200))
    play.order(task, "hook.open-session", "raise", times=2)
    play.send(task)


@scenario(INTERFERING)
def a_before_request_answers(play: Play) -> None:
    """Its 200 is not sent: 503 until it lets the delivery through; one run."""
    task = play.expect(statuses=(503, 503, 200))
    play.order(task, "hook.before", "answer", times=2)
    play.send(task)


@scenario(INTERFERING)
def a_before_request_streams(play: Play) -> None:
    """The same for an answer that never ends, of which nothing is waited for."""
    task = play.expect(statuses=(503, 200))
    play.order(task, "hook.before", "stream")
    play.send(task)


@scenario(INTERFERING)
def a_middleware_answers(play: Play) -> None:
    """The same for middleware within ours."""
    task = play.expect(statuses=(503, 503, 200))
    play.order(task, "hook.middleware", "answer")
    play.send(task)
    play.see(task, "hook.middleware")
    play.order(task, "hook.middleware", "raise")


@scenario(INTERFERING)
def a_middleware_fails_after_the_completion(play: Play) -> None:
    """The completion is recorded: 200, one run."""
    task = play.expect(statuses=(200,))
    play.order(task, "hook.middleware-after", "raise", times=9)
    play.send(task)
    play.see(task, "hook.middleware-after")


@scenario(INTERFERING)
def a_hook_of_the_blueprint_answers(play: Play) -> None:
    """It has no more say than the app's: 503 until it lets the delivery through."""
    task = play.expect(statuses=(503, 503, 200))
    play.order(task, "hook.blueprint-before", "answer")
    play.send(task)
    play.see(task, "hook.blueprint-before")
    play.order(task, "hook.blueprint-before", "raise")


@scenario(INTERFERING)
def hooks_of_the_blueprint_hide_a_failure(play: Play) -> None:
    """Whatever they make of the answer: 503, and the next delivery runs the task."""
    task = play.expect(runs=(3, 3), statuses=(503, 503, 200))
    play.order(task, "begun", "fail", times=2)
    play.order(task, "hook.blueprint-after", "answer", times=9)
    play.order(task, "hook.blueprint-teardown", "raise", times=9)
    play.order(task, "hook.blueprint-error-page", "raise")
    play.send(task)


@scenario(INTERFERING)
def a_before_request_fails(play: Play) -> None:
    """The app's error page says 200, which is not sent: 503 until the hook lets the delivery through."""
    task = play.expect(statuses=(503, 503, 200))
    play.order(task, "hook.before", "raise", times=2)
    play.send(task)


@scenario(INTERFERING)
def a_url_preprocessor_fails(play: Play) -> None:
    """The same."""
    task = play.expect(statuses=(503, 200))
    play.order(task, "hook.preprocess", "raise")
    play.send(task)


@scenario(INTERFERING)
def an_error_page_fails(play: Play) -> None:
    """The failure is recorded: 503, and the next delivery runs the task."""
    task = play.expect(runs=(2, 2), statuses=(503, 200))
    play.order(task, "begun", "fail")
    play.order(task, "hook.error-page", "raise")
    play.send(task)


@scenario(INTERFERING)
def a_hook_ends_the_worker(play: Play) -> None:
    """No answer, once before the handler and once after the completion; one run, and then 200."""
    task = play.expect(statuses=(None, None, 200))
    play.order(task, "hook.before", "leave")
    play.send(task)
    play.see(task, "hook.before")
    play.order(task, "hook.after", "leave")


@scenario(INTERFERING)
def a_page_at_the_prefix(play: Play) -> None:
    """What is delivered to the bare prefix, in any spelling, is not acknowledged by the app's page: 404."""
    task = play.expect(statuses=(404, 404, 404, 404, 200))
    for path in ("", "/", "//", "/./"):
        play.claim(play.post(task, path=path) == 404, f"S3: the page answered at the prefix and {path!r}")
    play.send(task)


@scenario(INTERFERING)
def a_page_for_every_path(play: Play) -> None:
    """A task for a handler that is not there is not acknowledged by a catch-all route: 404."""
    task = play.expect(statuses=(404, 404, 404, 200))
    for path in ("/nobody", "//nobody", "/frail/of/nobody"):
        play.claim(play.post(task, path=path) == 404, f"S3: the page answered at the prefix and {path!r}")
    play.send(task)
