"""HTTP requests over connections that are kept alive, as fast as they are answered or at a steady pace."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from statistics import quantiles

from msgspec import Struct

ANSWER_TIMEOUT_SECONDS = 30.0


class Sample(Struct):
    """What was seen of some requests: how long each took, how many there were of each status, and when."""

    seconds: list[float]
    statuses: Counter[int]
    lasted: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.lasted

    def percentile(self, percent: int) -> float:
        """Milliseconds that `percent` of the answers took at most."""
        return quantiles(self.seconds, n=100, method="inclusive")[percent - 1] * 1e3


def request_bytes(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """One request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench.example.com", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def ask(
    port: int,
    make: Callable[[], bytes],
    *,
    connections: int,
    lasts: float,
    pace: float = float("inf"),
) -> Sample:
    """Send requests for `lasts` seconds.

    Args:
        port: on this machine.
        make: gives the next request.
        connections: at a time.
        lasts: seconds; what is under way then is still waited for.
        pace: requests a second of all connections together, at most.
    """
    sample = Sample([], Counter())
    began = time.perf_counter()
    gap = connections / pace
    lines = (
        _ask_in_turn(
            port, make, sample, start=began + gap * number / connections, gap=gap, until=began + lasts
        )
        for number in range(connections)
    )
    await asyncio.gather(*lines)
    sample.lasted = time.perf_counter() - began
    return sample


async def _ask_in_turn(
    port: int, make: Callable[[], bytes], sample: Sample, *, start: float, gap: float, until: float
) -> None:
    line = _Connection(port)
    due = start
    while (now := time.perf_counter()) < until:
        if due > now:
            await asyncio.sleep(due - now)
        due = max(due + gap, time.perf_counter() - gap)  # one that is late is not made up for by a burst
        sent = time.perf_counter()
        sample.statuses[await line.ask(make())] += 1
        sample.seconds.append(time.perf_counter() - sent)
    await line.close()


class _Connection:
    """One connection, made anew whenever the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> int:
        """Send a request and read the whole answer; its status, 0 if there is none."""
        was_used = self._streams is not None
        try:
            return await asyncio.wait_for(self._ask(request), ANSWER_TIMEOUT_SECONDS)
        except (OSError, EOFError, asyncio.TimeoutError):
            await self.close()
            return await self.ask(request) if was_used else 0  # servers close what is idle

    async def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            with suppress(OSError):
                await self._streams[1].wait_closed()
            self._streams = None

    async def _ask(self, request: bytes) -> int:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if "content-length:" in head:
            await reader.readexactly(int(head.split("content-length:")[1].split()[0]))
        if "connection: close" in head:
            await self.close()
        return int(head.split()[1])
