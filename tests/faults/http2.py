"""Where requests and answers begin and end in one direction of HTTP/2 (RFC 9113, section 4.1)."""

from __future__ import annotations

from collections.abc import Iterable

from hyperframe.frame import DataFrame, Frame, HeadersFrame

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_BYTES = 9


class Frames:
    """Watches one direction of a connection go by."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._preface = True

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that end in this chunk: their types and flags, without their bodies."""
        self._held += chunk
        if self._preface and self._held.startswith(PREFACE):
            del self._held[: len(PREFACE)]
        self._preface = False
        frames = []
        while len(self._held) >= HEADER_BYTES:
            frame, length = Frame.parse_frame_header(memoryview(bytes(self._held[:HEADER_BYTES])))
            if len(self._held) < HEADER_BYTES + length:
                break
            frames.append(frame)
            del self._held[: HEADER_BYTES + length]
        return frames


def begins(frames: Iterable[Frame]) -> bool:
    """Whether a request (or an answer) begins among these frames."""
    return any(isinstance(frame, HeadersFrame) for frame in frames)


def ends(frames: Iterable[Frame]) -> bool:
    """Whether a request (or an answer) ends among these frames."""
    return any(
        isinstance(frame, DataFrame | HeadersFrame) and "END_STREAM" in frame.flags for frame in frames
    )
