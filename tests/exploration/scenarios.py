"""The bounds within which everything is explored at every build."""

from __future__ import annotations

from tests.exploration.state import Scenario

SCENARIOS = [
    Scenario(name="two deliveries, an operator's reset, an expiry", resets=1, expires=True),
    Scenario(name="two deliveries, a once step", step="once"),
    Scenario(name="two deliveries, an at-most-once step", step="at most once"),
    Scenario(
        name="two deliveries, one attempt, two resets, an expiry", max_attempts=1, resets=2, expires=True
    ),
    Scenario(name="two deliveries of different bodies", bodies="xy"),
    Scenario(name="three deliveries", bodies="xxx", faults=3),
    Scenario(name="three deliveries", bodies="xxx", delays=False),
    Scenario(name="three deliveries, two attempts", bodies="xxx", faults=3, max_attempts=2, heartbeats=False),
    Scenario(
        name="three deliveries, an at-most-once step",
        bodies="xxx",
        faults=2,
        step="at most once",
        heartbeats=False,
    ),
    Scenario(name="three deliveries, one of another body", bodies="xyx", faults=3),
    Scenario(name="two deliveries, a cancellation", cancels=1),
    Scenario(name="two deliveries, a cancellation, a reset", cancels=1, resets=1, delays=False),
    Scenario(
        name="two deliveries, a cancellation, a reset, an expiry", cancels=1, resets=1, expires=True, faults=3
    ),
    Scenario(
        name="two deliveries, a cancellation, an expiry, one attempt", cancels=1, expires=True, max_attempts=1
    ),
    Scenario(
        name="two deliveries of different bodies, a cancellation, a reset", bodies="xy", cancels=1, resets=1
    ),
    Scenario(name="two deliveries, a cancellation, a once step", cancels=1, step="once", delays=False),
    Scenario(name="two deliveries, two cancellations", cancels=2, delays=False),
]
"""Two deliveries with any number of faults, three with up to three.

Faults are: a lapse (that is, a pause past the lease), a lost reply of a write that was applied, is applied
later or never, an unavailable read or write, a refusal for good, a worker told to stop, a reset by an
operator, an expiry. Crashes are free, and are not counted (see `search`); a cancellation is not a fault.

What is left out of the worlds of three deliveries, to fit the time: heartbeats where attempts are limited
or there is a step; the third fault where there is a step; writes that are applied late (all other faults
of a write are there) where the faults are unlimited, there and in the larger worlds with cancellations.
"""

CAMPAIGN = [
    Scenario(name="three deliveries", bodies="xxx"),
    Scenario(name="two deliveries, a cancellation, a reset", cancels=1, resets=1),
    Scenario(name="two deliveries, two cancellations, a reset", cancels=2, resets=1, faults=3, delays=False),
    Scenario(
        name="two deliveries, a cancellation, an expiry, a reset, one attempt",
        cancels=1,
        resets=1,
        expires=True,
        max_attempts=1,
    ),
    Scenario(
        name="two deliveries of different bodies, two cancellations, a reset",
        bodies="xy",
        cancels=2,
        resets=1,
        faults=4,
    ),
    Scenario(name="two deliveries, a cancellation, a once step", cancels=1, step="once"),
    Scenario(
        name="two deliveries, a cancellation, an at-most-once step, a reset",
        cancels=1,
        resets=1,
        step="at most once",
        faults=3,
        delays=False,
    ),
    Scenario(name="three deliveries, a cancellation", bodies="xxx", cancels=1, faults=3, delays=False),
]
"""What the builds leave out, and the products of what they explore one by one: `make explore`."""


def describe(scenario: Scenario) -> str:
    """The bounds, for people."""
    faults = "any faults" if scenario.faults is None else f"up to {scenario.faults} faults"
    left_out = [
        name for name in ("heartbeats", "drains", "delays", "refusals") if not getattr(scenario, name)
    ]
    return f"{scenario.name}, {faults}" + (f" (left out: {', '.join(left_out)})" if left_out else "")
