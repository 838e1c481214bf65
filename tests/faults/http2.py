"""As much of HTTP/2's framing (RFC 9113, section 4.1) as it takes to tell where an answer ends."""

from __future__ import annotations

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER = 9
DATA, HEADERS = 0, 1
END_STREAM = 1


class Frames:
    """Watches one direction of a connection go by."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._preface = True

    def kinds(self, chunk: bytes) -> list[tuple[int, int]]:
        """Type and flags of each frame that begins in what has arrived so far and was not returned yet."""
        self._held += chunk
        if self._preface and self._held.startswith(PREFACE):
            del self._held[: len(PREFACE)]
        self._preface = False
        kinds = []
        while len(self._held) >= HEADER:
            length = int.from_bytes(self._held[:3], "big")
            if len(self._held) < HEADER + length:
                break
            kinds.append((self._held[3], self._held[4]))
            del self._held[: HEADER + length]
        return kinds


def begins(kinds: list[tuple[int, int]]) -> bool:
    """Whether a request (or an answer) begins among these frames."""
    return any(kind == HEADERS for kind, _ in kinds)


def ends(kinds: list[tuple[int, int]]) -> bool:
    """Whether a request (or an answer) ends among these frames."""
    return any(kind in {DATA, HEADERS} and flags & END_STREAM for kind, flags in kinds)
