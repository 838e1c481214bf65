"""What a scenario is, and the list of all that there are."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from tests.faults.stage import Setup
from tests.faults.terminal import say
from tests.faults.wrong_clock import can_be_made

Act = Callable[..., None]
LEDGERS = ("sqlite", "firestore")
IDEAS = (
    "deliveries",
    "crashes",
    "zombies",
    "endings",
    "border",
    "load",
    "ledger",
    "network",
    "slow",
    "clocks",
    "shutdown",
)
"""There is a file `scenarios_<idea>.py` for each."""

USUAL = Setup()
SYNC = Setup(kind="sync", workers=4)


class Scenario(Struct, frozen=True, kw_only=True):
    """A story with a fault in it.

    Attributes:
        name: the function's, its words joined by hyphens; then, behind an `@`, how it is varied.
        act: plays it, given a `Play`.
        setup: of the stage.
        ledgers: where it makes sense.
    """

    name: str
    act: Act
    setup: Setup
    ledgers: tuple[str, ...] = LEDGERS

    @property
    def expected(self) -> str:
        """What must come of it: the first paragraph of the function's docstring, on one line."""
        return " ".join((self.act.__doc__ or "").partition("\n\n")[0].split())


_ALL: dict[str, Scenario] = {}


def scenario(
    setup: Setup = USUAL,
    *,
    ledgers: tuple[str, ...] = LEDGERS,
    sync: bool = False,
    variants: Mapping[str, Mapping[str, object]] | None = None,
) -> Callable[[Act], Act]:
    """Make a scenario of a function.

    Args:
        setup: of the stage.
        ledgers: where it makes sense.
        sync: it is played under gunicorn's sync workers too.
        variants: it is played once for each: what stands behind the `@`, and what the function is given.
    """

    def register(act: Act) -> Act:
        name = act.__name__.replace("_", "-")
        if variants is None:
            _ALL[name] = Scenario(name=name, act=act, setup=setup, ledgers=ledgers)
        for suffix, about in (variants or {}).items():
            varied = functools.update_wrapper(functools.partial(act, **about), act)
            _ALL[f"{name}@{suffix}"] = Scenario(
                name=f"{name}@{suffix}", act=varied, setup=setup, ledgers=ledgers
            )
        if sync:
            _ALL[f"{name}@sync"] = Scenario(name=f"{name}@sync", act=act, setup=SYNC, ledgers=ledgers)
        return act

    return register


def scenarios() -> dict[str, Scenario]:
    """All scenarios by name, in the order of their ideas."""
    for idea in IDEAS:
        importlib.import_module(f"tests.faults.scenarios_{idea}")
    return _ALL


def chosen(names: list[str], ledger: str) -> Iterator[Scenario]:
    """The scenarios of these names (all if there is none) that make sense on `ledger`.

    Raises:
        KeyError: there is no such scenario.
    """
    known = scenarios()
    for name in names or known:
        if known[name].setup.clocks and not can_be_made():
            say(f"NOT PLAYED  {name}: a wrong clock needs a C compiler, and there is none here")
        elif ledger in known[name].ledgers:
            yield known[name]
