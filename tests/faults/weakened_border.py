"""Parts of the border with one guard taken out: between the app and the answer, and against load."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from taskhandler.delivery import receiver as delivery
from taskhandler.delivery.reply import Refusal, Reply
from taskhandler.handlers import call
from taskhandler.handlers.call import Raised, Returned
from taskhandler.outcome import STATUS, Outcome
from taskhandler.web.inflate import inflate

ENDLESS, ENDLESS_SECONDS = 1 << 40, 60.0


def unguarded(self: Any, environ: dict[str, Any], start_response: Any) -> Any:  # noqa: ANN401 - a Guard, and WSGI
    """A guard that lets every answer of the app pass."""
    return self._inner(environ, start_response)


def believing_the_app(undecided: Callable[..., Reply]) -> Callable[..., Reply]:
    """A guard that takes an answer of the app's own, before a delivery, for one."""

    def answered(self: object, *about: object) -> Reply:
        reply = undecided(self, *about)
        acknowledged = replace(reply, outcome=Outcome.COMPLETED, status=STATUS[Outcome.COMPLETED])
        return acknowledged if reply.outcome is Outcome.INTERCEPTED else reply

    return answered


def failing_with_the_app(send: Callable[..., Any]) -> Callable[..., Any]:
    """A guard that is carried away by what the app raises after the delivery."""

    def sent(self: object, *about: Any) -> Any:  # noqa: ANN401 - as `send`
        if about[-1] is not None:
            raise about[-1]
        return send(self, *about)

    return sent


def only_handlers(self: Any, environ: dict[str, Any]) -> bool:  # noqa: ANN401 - TaskRoutes
    """Routes that know nothing of the prefix."""
    return self.find_handler(environ["PATH_INFO"]) is not None


@contextmanager
def always_free(_: object) -> Iterator[bool]:
    """A limit that lets everybody wait."""
    yield True


def never_left_out(*_: object) -> int:
    """A throttle that lets every line pass."""
    return 0


def inflated_whole(body: bytes, encoding: str, *, limit: int) -> bytes | Refusal:  # noqa: ARG001 - of inflate
    """What a compressed body becomes, however large that is."""
    return inflate(body, encoding, limit=ENDLESS)


def waiting_for_the_fetch(self: Any, held: object, now: float) -> None:  # noqa: ANN401 - a CertificateKeeper
    """A keeper of certificates that has everybody wait who names a key that is not known."""
    self._start(held, now)
    fetch = self._fetching
    if fetch is not None:
        fetch.over.wait(ENDLESS_SECONDS)


class HeldRaised(Raised, frozen=True, gc=False):
    """What was raised, in a value that the collector does not look into."""


def held_by_its_frame(run: Callable[..., Returned | Raised]) -> Callable[..., Returned | Raised]:
    """A `run` within a frame, to which the error's traceback leads, where the value stays."""

    def ran(*arguments: Any) -> Returned | Raised:  # noqa: ANN401 - those of `run`
        value = run(*arguments)
        return value  # noqa: RET504 - the local variable is what matters

    return ran


def leaking() -> None:
    """Close the ring: the value holds the error, its traceback the frames, and one of these the value."""
    setattr(call, "Raised", HeldRaised)  # noqa: B010 - a class is no variable, says mypy
    setattr(delivery, "run", held_by_its_frame(call.run))  # noqa: B010 - the same
