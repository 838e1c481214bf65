"""`make faults`: every fault there is a scenario for, played for real, and judged."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from tests.faults.emulator import emulated
from tests.faults.running import Part, Result, play
from tests.faults.sabotage import SABOTAGES
from tests.faults.scenario import LEDGERS, chosen, scenarios
from tests.faults.terminal import end_in_order, say


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what is asked for; 0 if the product held, and the bench saw every sabotage."""
    asked = _parser().parse_args(arguments)
    end_in_order()
    if asked.list:
        return _list()
    ledgers = LEDGERS if asked.ledger == "both" else (asked.ledger,)
    with emulated(needed="firestore" in ledgers) as emulator:
        if asked.sabotage:
            return _sabotage(asked, emulator)
        parts = [
            Part(scenario, emulator if ledger == "firestore" else "")
            for ledger in ledgers
            if ledger == "sqlite" or emulator
            for scenario in chosen(asked.only, ledger)
        ]
        results = play(parts, jobs=asked.jobs, report=_report, seed=asked.seed)
    red = [each for each in results if each.wrong]
    say(f"{len(results)} plays, {len(red)} red" + "".join(f"\n  {each.line}" for each in red))
    return 1 if red or not results else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--list", action="store_true", help="say what there is, and play nothing")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these scenarios")
    parser.add_argument(
        "--ledger", choices=[*LEDGERS, "both"], default="sqlite", help="(default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the queue (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=4, help="stages at a time (default: %(default)s)")
    parser.add_argument(
        "--sabotage", metavar="NAME", help="weaken the product so (or `all`): it must turn red"
    )
    return parser


def _list() -> int:
    for scenario in scenarios().values():
        say(f"{scenario.name} ({', '.join(scenario.ledgers)})\n    {scenario.expected}")
    for name, sabotage in SABOTAGES.items():
        say(f"--sabotage {name!r}: {sabotage.seen_by}")
    return 0


def _report(result: Result) -> None:
    say(result.line)
    if result.wrong:
        say(result.evidence)


def _sabotage(asked: argparse.Namespace, emulator: str) -> int:
    """Play each sabotage with the scenarios that must see it."""
    names = list(SABOTAGES) if asked.sabotage == "all" else [asked.sabotage]
    parts = [part for name in names for part in _parts(name, emulator)]
    results = play(parts, jobs=asked.jobs, report=_report_sabotage, seed=asked.seed)
    played = {part.sabotage for part in parts}
    blind = sorted({each.part.sabotage for each in results if not _seen(each)})
    say(
        f"{len(played)} sabotages, {len(blind)} not seen" + "".join(f"\n  NOT SEEN  {name}" for name in blind)
    )
    for name in names:
        if name not in played:
            say(f"  NOT PLAYED  {name}: it needs the other ledger")
    return 1 if blind or not played else 0


def _parts(name: str, emulator: str) -> Iterator[Part]:
    """The plays of one sabotage, on the ledger that it is about."""
    sabotage = SABOTAGES[name]
    on_firestore = sabotage.ledger == "firestore"
    if on_firestore and not emulator:
        return
    for scenario in chosen([sabotage.seen_by], sabotage.ledger):
        yield Part(scenario, emulator if on_firestore else "", name, timeout=9.0)


def _seen(result: Result) -> bool:
    """Whether the play turned red, and for the right reason."""
    return any(SABOTAGES[result.part.sabotage].breaks in wrong for wrong in result.wrong)


def _report_sabotage(result: Result) -> None:
    breaks = SABOTAGES[result.part.sabotage].breaks
    what = next((wrong for wrong in result.wrong if breaks in wrong), "NOT SEEN: " + "; ".join(result.wrong))
    say(f"{result.part.sabotage}\n    {result.line}\n    {what[:200]}")


if __name__ == "__main__":
    sys.exit(main())
