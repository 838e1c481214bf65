"""`make demo`: real deliveries under real trouble, and a verdict at the end."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from examples.demo import findings, ledgers, orders
from examples.demo.forged_requests import send_forged_requests
from examples.demo.ledgers import LEDGERS
from examples.demo.screen import Screen, table
from examples.demo.stage import QUEUE, THREADS, WORKERS, Stage, stage

PLAY_TIMEOUT_SECONDS = 100.0
TROUBLE = {"duplicate": 0.15, "concurrent": 0.10, "drop_reply": 0.08, "late_duplicate": 0.05}


def main(arguments: Sequence[str] | None = None) -> int:
    """Play it; the exit status is 0 if nothing was lost and nothing was completed twice."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if wrong := ledgers.problem(options.ledger):
        parser.error(wrong)
    plan = list(orders.plan_tasks(options.tasks))
    print("A local queue that speaks the Cloud Tasks API, and a shop behind it:")
    print(f"gunicorn with {WORKERS} worker processes of {THREADS} threads, and {LEDGERS[options.ledger]}.")
    with stage(options.ledger) as here:
        return play(here, plan)


def _parser() -> argparse.ArgumentParser:
    usage = "make demo ARGS='[--tasks N] [--ledger sqlite|firestore]'"
    parser = argparse.ArgumentParser(prog="make demo", usage=usage, description=__doc__)
    parser.add_argument("--tasks", type=int, default=400, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument(
        "--ledger",
        choices=LEDGERS,
        default="sqlite",
        help="where the shop keeps its records (default: %(default)s); firestore starts Google's emulator, "
        "which needs java, or uses the one that FIRESTORE_EMULATOR_HOST names",
    )
    return parser


def play(here: Stage, plan: list[orders.PlannedTask]) -> int:
    """Create the tasks, make trouble, wait for the end, and judge."""
    screen = Screen(here.effects, tasks=sum(planned.end == "completed" for planned in plan))
    screen.say("Of the deliveries " + ", ".join(f"{rate:.0%} {what}" for what, rate in TROUBLE.items()) + ".")
    here.queue.faults(**TROUBLE)
    client = here.queue.client()
    for planned in plan:
        if not planned.made_by_shop:
            orders.make(client, here, planned)
            screen.show()
    killed = kill_a_worker(here, screen)
    answers = list(send_forged_requests(here))
    while screen.seconds < PLAY_TIMEOUT_SECONDS:
        screen.show()
        if here.queue.wait(1.0) and not list(client.list_tasks(parent=QUEUE)):
            break
    screen.say(f"Quiet after {screen.seconds:.0f} s.")
    return judge(here, plan, killed, answers)


def kill_a_worker(here: Stage, screen: Screen) -> int:
    """`kill -9` a worker that has a slow order in its hands; its process id."""
    while screen.seconds < PLAY_TIMEOUT_SECONDS:
        found = findings.read(here.effects)
        for task, holders in found.begun.items():
            if task.startswith("slow-order") and len(found.done[task]) < len(holders):
                os.kill(holders[-1], signal.SIGKILL)
                screen.say(f"kill -9 {holders[-1]}: the worker that was busy with {task}.")
                return holders[-1]
        screen.show()
    raise RuntimeError("no worker ever had a slow order in its hands")


def judge(
    here: Stage, plan: list[orders.PlannedTask], killed: int, answers: list[tuple[str, int, int]]
) -> int:
    """Print the table and the verdict; the exit status."""
    found = findings.read(here.effects)
    print(f"\n{table(found)}\n")
    print("Requests without a good token: " + ", ".join(f"{what} {came}" for what, _, came in answers) + ".")
    wrong = [f"{what} was answered {came}" for what, answer, came in answers if answer != came]
    wrong += findings.problems(found, plan, ledger=here.ledger, killed=killed)
    again = sum(len(done) > 1 for done in found.done.values())
    done = sum(map(bool, found.done.values()))
    print(f"{len(plan)} tasks: {done} done, {again} of them a second time because of the kill.")
    for problem in wrong:
        print(f"  WRONG  {problem}")
    print("VERDICT: " + ("a promise was broken." if wrong else "nothing lost, nothing completed twice."))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
