"""Makes the ledger's file and folder private, since they hold bodies and results of tasks.

What is made here has exactly the mode that was asked for, whatever the umask: the file is made under
another name, closed, and put in its place by a hard link, which replaces nothing and follows no symbolic
link. (Closing the file in its place could take another thread's locks on it away:
sqlite.org/howtocorrupt.html, 2.2.) SQLite gives the `-wal` and `-shm` beside it the file's own mode. What
was there before is left as it is, with a warning.
"""

from __future__ import annotations

import errno
import logging
import os
import shlex
import stat
import tempfile
from pathlib import Path

from taskhandler.errors import LedgerError
from taskhandler.text import one_line

PRIVATE, SHARED = 0o600, 0o660
"""Modes of a file: for its owner alone; for its owner and its group."""

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""What file systems without hard links say (link(2))."""

LINE_LIMIT_CHARACTERS = 2000
"""Characters of a line in the log."""

LOGGER = logging.getLogger("taskhandler.ledger")


def make_file(path: str, *, mode: int) -> None:
    """Make the file, and its folder, if they are not there; warn of a mode that is not as asked for.

    Args:
        path: absolute.
        mode: of the file; folders get the same, with the right to enter them.

    Raises:
        LedgerError: this user must not make the file, or something else is in its place.
        OSError: it cannot be made.
    """
    if not os.path.lexists(path):
        _refuse_folder_of_others(Path(path).parent, mode)
        _make_folder(Path(path).parent, _add_folder_bits(mode))
        _create(path, mode)
    _refuse_other_kinds(path)
    _warn_of_modes(path, mode)
    _warn_of_folder(Path(path).parent, mode)


def _add_folder_bits(mode: int) -> int:
    return mode | (mode & 0o440) >> 2


def _refuse_folder_of_others(folder: Path, mode: int) -> None:
    """Keep a user who runs a command from making a file that the service could not open.

    Folders of root are often made for others (/tmp, volumes), so another user may make the file there.
    """
    while not folder.exists():
        folder = folder.parent
    owner, user = folder.stat().st_uid, os.geteuid()
    if owner in {user, 0} or (user != 0 and mode == SHARED):
        return
    raise LedgerError(
        f"the file does not exist, and user {user} must not create it: {folder} belongs to user {owner}, who "
        f"could not use it. Run this as user {owner}, or first start the service that uses the ledger"
    )


def _make_folder(folder: Path, mode: int) -> None:
    if folder.exists():
        return
    _make_folder(folder.parent, mode)
    try:
        folder.mkdir(mode)
    except FileExistsError:  # another worker was quicker, or it is a link that leads nowhere
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        inherited = os.fstat(opened).st_mode & stat.S_ISGID
        os.fchmod(opened, mode | inherited)
    finally:
        os.close(opened)


def _create(path: str, mode: int) -> None:
    opened, new = tempfile.mkstemp(prefix=f".{Path(path).name}-", dir=Path(path).parent)
    try:
        try:
            os.fchmod(opened, mode)
        finally:
            os.close(opened)
        _link(new, path, mode)
    finally:
        Path(new).unlink()


def _link(new: str, path: str, mode: int) -> None:
    try:
        os.link(new, path, follow_symlinks=False)
    except FileExistsError:  # another worker was quicker
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode))


def _refuse_other_kinds(path: str) -> None:
    found = os.lstat(path)
    if stat.S_ISLNK(found.st_mode):
        raise LedgerError("unable to open a symbolic link; name the file that it leads to")
    if not stat.S_ISREG(found.st_mode):
        raise LedgerError("unable to open what is not a regular file; name another path")


def _warn_of_modes(path: str, mode: int) -> None:
    modes = {part: _read_mode(part) for part in (path, f"{path}-wal", f"{path}-shm")}
    wrong = {part: found for part, found in modes.items() if found not in {None, mode}}
    if wrong:
        shown = ", ".join(f"{part} has {found:04o}" for part, found in wrong.items())
        _warn(f"The ledger has the wrong mode: {shown}. To fix it: chmod {mode:04o} {shlex.join(wrong)}")


def _warn_of_folder(folder: Path, mode: int) -> None:
    found = stat.S_IMODE(folder.stat().st_mode)
    others = found & 0o022 & ~_add_folder_bits(mode)
    if others and not found & stat.S_ISVTX:
        _warn(
            f"Other users can put another ledger in the place of this one: its folder {folder} has mode "
            f"{found:04o}. To fix it: chmod {found & ~others:04o} {shlex.quote(str(folder))}"
        )


def _warn(message: str) -> None:
    LOGGER.warning("%s", one_line(message, limit=LINE_LIMIT_CHARACTERS))


def _read_mode(path: str) -> int | None:
    try:
        return stat.S_IMODE(os.lstat(path).st_mode)
    except FileNotFoundError:  # SQLite removes the files beside it with its last connection
        return None
