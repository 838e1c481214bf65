"""A delay of a connection: what goes in comes out later, in its order, however much is under way."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator


class DelayLine:
    """Chunks of one direction of a connection.

    Each is held up for itself: one that comes while another is on its way does not wait for that one, as
    it would if the thread that carries them slept once for each.

    Args:
        delay: seconds that the next chunk takes.
        clock: seconds of a clock that never goes back.
        wait: waits so many seconds.
    """

    def __init__(
        self, delay: Callable[[], float], *, clock: Callable[[], float], wait: Callable[[float], object]
    ) -> None:
        self._delay = delay
        self._clock = clock
        self._wait = wait
        self._due = float("-inf")
        self._chunks: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def put(self, chunk: bytes) -> None:
        """Send a chunk on its way; an empty one is the end."""
        self._due = max(self._due, self._clock() + self._delay())  # none overtakes another
        self._chunks.put((self._due, chunk))

    def __iter__(self) -> Iterator[bytes]:
        """The chunks, each when it is due."""
        while True:
            due, chunk = self._chunks.get()
            self._wait(max(0.0, due - self._clock()))
            if not chunk:
                return
            yield chunk
