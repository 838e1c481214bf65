"""How handlers may end, and how their tasks end then."""

from __future__ import annotations

from tests.faults.play import Play
from tests.faults.scenario import scenario
from tests.faults.scenarios_crashes import FEW


@scenario(sync=True)
def a_handler_fails_once(play: Play) -> None:
    """503, and the next delivery runs it; two runs."""
    task = play.expect(runs=(2, 2), statuses=(503, 200))
    play.order(task, "begun", "fail")
    play.send(task)


@scenario()
def a_handler_asks_to_be_called_again(play: Play) -> None:
    """The same for `Retry`, and 429 for `RateLimited`."""
    task = play.expect(runs=(3, 3), statuses=(503, 429, 200))
    play.order(task, "begun", "retry", attempt=1)
    play.order(task, "begun", "limit", attempt=2)
    play.send(task)


@scenario()
def a_handler_rejects(play: Play) -> None:
    """The task is recorded as rejected with its body, and acknowledged; one run."""
    task = play.expect(end="rejected", body=b"a bad parcel", statuses=(200,))
    play.order(task, "begun", "reject")
    play.send(task)


@scenario()
def a_payload_cannot_be_read(play: Play) -> None:
    """The same, and the handler is not called."""
    play.task(handler="weigh", body=b'{"grams": "many"}', end="rejected", runs=(0, 0), statuses=(200,))


@scenario()
def a_payload_can_be_read(play: Play) -> None:
    """The handler gets it."""
    play.task(handler="weigh", body=b'{"grams": 7}', statuses=(200,))


@scenario(sync=True)
def every_attempt_fails(play: Play) -> None:
    """After the third the task is dead, its body kept, `on_dead` called, and it is acknowledged."""
    task = play.expect(handler="frail", end="dead", runs=(3, 3), body=b"cursed", statuses=(503, 503, 200))
    play.order(task, "begun", "fail", times=9)
    play.send(task)
    play.finish()
    play.claim(play.count(task, "on_dead") == 1, "on_dead was not called once")


@scenario(FEW)
def the_last_delivery_of_a_queue_fails(play: Play) -> None:
    """Nobody will come after it: dead, its body kept, whatever the handler's own limit."""
    play.queue(max_attempts=2)
    task = play.expect(end="dead", runs=(2, 2), statuses=(503, 200))
    play.order(task, "begun", "fail", times=9)
    play.send(task)


@scenario()
def on_dead_fails(play: Play) -> None:
    """The death is recorded, and `on_dead` marked as called: that it raises changes nothing; 200."""
    task = play.expect(handler="single", end="dead", statuses=(200,))
    play.order(task, "begun", "fail")
    play.order(task, "on_dead", "fail")
    play.send(task)


@scenario()
def an_operator_resets_a_dead_task(play: Play) -> None:
    """It runs again, and completes."""
    task = play.expect(handler="single", runs=(2, 2), statuses=(200, 200))
    play.order(task, "begun", "fail")
    play.send(task)
    play.finish()
    play.reset(task)
    play.post(task)


@scenario()
def a_dead_task_is_delivered_again(play: Play) -> None:
    """A late delivery of a dead task is a duplicate: 200, no run, and `on_dead` is not called again."""
    task = play.expect(handler="single", end="dead", statuses=(200, 200))
    play.order(task, "begun", "fail")
    play.send(task)
    play.finish()
    play.post(task, number=1)
    play.claim(play.count(task, "on_dead") == 1, "on_dead was called again")
