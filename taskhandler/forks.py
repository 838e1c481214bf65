"""The one place where the interpreter reports forks, for everything that a child process must not inherit.

A hook of `os.register_at_fork` cannot be taken back, so there is one of each kind for the whole process,
and a registry of weak references behind it: what registers here is not kept alive and leaves nothing
behind. Before a fork everything `Forkable` is stopped. The parent starts exactly what was stopped, since
another thread may have registered more in between; the child begins everything anew.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol


class Forkable(Protocol):
    """Something that holds locks, threads or files which a child must not inherit in mid-use."""

    def before_fork(self) -> None:
        """Come to rest, and let no call in until the fork is over; wait a few seconds at most."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Begin anew: the other threads are gone, and the locks that they held stay held."""


_forkables: dict[int, weakref.ref[Forkable]] = {}
_methods: dict[int, tuple[weakref.ref[object], Callable[[object], None]]] = {}
_resting: dict[int, list[Forkable]] = {}
"""What was stopped for the fork of a thread, by the thread's id."""


def notify_of_forks(forkable: Forkable) -> None:
    """Notify `forkable` of every fork of this process, for as long as it lives."""
    reference = weakref.ref(forkable, _make_remover(_forkables))
    _forkables[id(reference)] = reference


def call_in_child(method: Callable[[], None]) -> None:
    """Call a bound `method` in every child that this process forks off, for as long as its object lives."""
    # Not by a WeakMethod: its own callback fails when the interpreter ends and takes things apart.
    reference = weakref.ref(method.__self__, _make_remover(_methods))  # type: ignore[attr-defined]  # it is bound
    _methods[id(reference)] = (reference, method.__func__)  # type: ignore[attr-defined]  # the same


def _make_remover(registry: dict[int, Any]) -> Callable[[weakref.ref[Any]], None]:
    return lambda gone: registry.pop(id(gone), None)


def _list_living() -> list[Forkable]:
    found = [reference() for reference in list(_forkables.values())]
    return [forkable for forkable in found if forkable is not None]


def _stop_all() -> None:
    resting = _resting[threading.get_ident()] = list[Forkable]()
    for forkable in _list_living():
        resting.append(forkable)
        forkable.before_fork()


def _resume_in_parent() -> None:
    for forkable in _resting.pop(threading.get_ident(), []):
        forkable.after_fork_in_parent()


def _reset_in_child() -> None:
    _resting.clear()
    for forkable in _list_living():
        forkable.after_fork_in_child()
    for reference, begin_anew in list(_methods.values()):
        owner = reference()
        if owner is not None:
            begin_anew(owner)


os.register_at_fork(before=_stop_all, after_in_parent=_resume_in_parent, after_in_child=_reset_in_child)
