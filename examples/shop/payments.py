"""A payment provider, as unreliable as the real ones."""

from __future__ import annotations

import threading

RECOVERS_AT_ATTEMPT = 3
SLOW_SECONDS = 2.5


def charge(card: str, cents: int, *, attempt: int, key: str) -> str:
    """Charge `card` with `cents`, once for each `key`; the receipt's number.

    Raises:
        ConnectionError: the provider cannot be reached just now.
        ValueError: the card is cursed.
    """
    if card == "cursed":
        raise ValueError("this card breaks whatever it touches")
    if card == "unreliable" and attempt < RECOVERS_AT_ATTEMPT:
        raise ConnectionError("the provider is not answering")
    threading.Event().wait(SLOW_SECONDS if card == "slow" else 0.005)
    return f"receipt-{abs(hash((key, cents))) % 10**8:08}"
