"""What has to be put aside before this process forks, and made anew in the child."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """Something that holds locks, threads or files which a child must not inherit in mid-use."""

    def before_fork(self) -> None:
        """Come to rest, and let nobody in until the fork is over; give up waiting after seconds."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Begin anew: the other threads are gone, whatever they held stays held."""


_forkables: weakref.WeakSet[Forkable] = weakref.WeakSet()


def tell_of_forks(forkable: Forkable) -> None:
    """Have `forkable` told of every fork of this process, for as long as it lives."""
    _forkables.add(forkable)


def _before() -> None:
    for forkable in list(_forkables):
        forkable.before_fork()


def _after_in_parent() -> None:
    for forkable in list(_forkables):
        forkable.after_fork_in_parent()


def _after_in_child() -> None:
    for forkable in list(_forkables):
        forkable.after_fork_in_child()


os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
