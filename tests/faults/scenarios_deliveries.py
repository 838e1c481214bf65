"""What an at-least-once queue does on an ordinary day, and requests without a good token."""

from __future__ import annotations

from examples.demo.forged_requests import send_forged_requests
from examples.demo.stage import Stage as DemoStage
from tests.faults.journal import HOOKED
from tests.faults.play import Play
from tests.faults.scenario import scenario
from tests.faults.stage import LEASE_SECONDS


@scenario(sync=True)
def nothing_goes_wrong(play: Play) -> None:
    """A task is claimed, run and completed by its first delivery: two writes and no read."""
    task = play.task(statuses=(200,))
    play.finish()
    reads, writes = (play.count(task, what) for what in ("read.sent", "settle.sent"))
    play.claim((reads, writes) == (0, 1), f"{reads} reads and {writes} ends were sent to the ledger")


@scenario(sync=True)
def many_tasks(play: Play) -> None:
    """Three hundred tasks, as fast as they come: one run each."""
    play.queue(max_concurrent_dispatches=40)
    for _ in range(300):
        play.task()


@scenario()
def many_copies(play: Play) -> None:
    """Forty tasks, each sent twice at once, again after its end and once more later: one run each."""
    tasks = [play.expect() for _ in range(40)]
    play.stage.queue.faults(concurrent=1, duplicate=1, late_duplicate=1, late_after=0.5)
    for task in tasks:
        play.send(task)
    play.finish()
    play.stage.queue.faults()


@scenario(sync=True)
def a_duplicate_after_the_end(play: Play) -> None:
    """It is answered 200, and nothing runs, whatever its retry count."""
    task = play.task(statuses=(200, 200, 200))
    play.finish()
    play.post(task)
    play.post(task, number=3)


@scenario(sync=True)
def twenty_at_the_same_moment(play: Play) -> None:
    """One of twenty deliveries of an unknown task runs it, the others are answered as in flight."""
    task = play.expect()
    play.order(task, "begun", "slow:1")
    answers = [answer.result(60) for answer in play.post_many(task, 20)]
    play.claim(answers.count(200) >= 1, f"nobody ran it: {answers}")
    play.claim(set(answers) <= {200, 429}, f"answered {answers}")


@scenario(sync=True)
def a_duplicate_while_it_runs(play: Play) -> None:
    """It is answered as in flight; one run."""
    task = play.expect()
    play.order(task, "begun", "park")
    play.send(task)
    play.see(task, "begun")
    play.run(task)
    play.see(task, "outcome", said="in-flight")
    play.release(task, "begun")


@scenario(sync=True)
def a_handler_longer_than_its_lease(play: Play) -> None:
    """Heartbeats keep the lease for three times its length, whatever is delivered meanwhile; one run."""
    task = play.expect()
    play.order(task, "begun", f"slow:{3 * LEASE_SECONDS}")
    play.send(task)
    play.see(task, "begun")
    for _ in range(6):
        play.claim(play.post(task, number=1) == 429, "a duplicate was not answered as in flight")
        play.rest(LEASE_SECONDS / 3)
    play.finish()
    play.claim(
        play.count(task, "heartbeat.done") >= 6, "there were fewer heartbeats than one for a third of a lease"
    )


@scenario(sync=True)
def a_deadline_shorter_than_the_handler(play: Play) -> None:
    """The queue gives up waiting and delivers again: in flight, then 200 for the end of the one run."""
    task = play.expect()
    play.stage.queue.faults(deadline=1, deadline_after=0.4, attempts=(0,))
    play.order(task, "begun", "slow:2")
    play.send(task)
    play.finish()
    play.stage.queue.faults()
    play.claim(play.count(task, "outcome") >= 3, "it was not delivered again while it ran")


@scenario()
def retries_out_of_order(play: Play) -> None:
    """The third delivery comes first: it runs the task, the others are duplicates."""
    task = play.expect(statuses=(200, 200, 200))
    for number in (2, 1, 0):
        play.post(task, number=number)


@scenario()
def another_body_under_the_same_name(play: Play) -> None:
    """It never runs, and is kept as a dead letter of its own before it is acknowledged."""
    task = play.task(others=(b"another",), statuses=(200, 200))
    play.finish()
    play.post(task, body=b"another")


@scenario()
def another_body_while_the_first_runs(play: Play) -> None:
    """The same, and the one that runs is not disturbed."""
    task = play.expect(others=(b"another",))
    play.order(task, "begun", "park")
    play.send(task)
    play.see(task, "begun")
    play.post(task, body=b"another")
    play.release(task, "begun")


@scenario()
def requests_without_a_good_token(play: Play) -> None:
    """Forged, foreign and missing tokens are refused, and the ledger hears of none of them."""
    began = play.stage.written()
    up = play.stage
    demo = DemoStage(up.queue, up.target, up.folder, "", up.folder, play.master)
    for what, expected, status in send_forged_requests(demo):
        play.claim(expected == status, f"AUTH: {what} was answered {status}, {expected} is expected")
    heard = [event.what for event in up.events(began) if "." in event.what or event.what == "begun"]
    play.claim(not heard, f"AUTH: the ledger or a handler heard of it: {heard}")


@scenario()
def an_app_answers_in_the_place_of_a_delivery(play: Play) -> None:
    """A hook of the app's own that says 200 acknowledges nothing: 503, and the next delivery runs it."""
    task = play.expect()
    play.stage.note("hook", task.id)
    play.claim(play.post(task, headers={HOOKED: "200"}) == 503, "the hook's answer went out")
    play.send(task)


@scenario()
def a_record_past_its_retention(play: Play) -> None:
    """It counts as none: the task runs again, with a higher fence than ever before."""
    task = play.task(runs=(2, 2), statuses=(200, 200))
    play.finish()
    play.expire(task)
    play.post(task)
