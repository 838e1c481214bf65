"""Ledgers of installed packages are opened by their scheme, and what is wrong with a package is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """
from taskhandler.errors import ConfigError
from taskhandler.ledger import Storage
from taskhandler.ledger.memory import MemoryStorage

class Old:
    shared = True
    read = create = replace = dead_letter = scan = close = None

def open_url(url: str) -> Storage:
    print("opening", url)
    return MemoryStorage(clock=lambda: 0)

def open_nothing(url):
    return None

def open_old(url):
    return Old()

def open_refused(url):
    raise ConfigError("TASKHANDLER_LEDGER", url, "the disk of fame is full", remedy="Make room.")

def open_failing(url):
    raise OSError(f"cannot reach {url}\\nat all")

not_a_function = 5
"""
PROGRAM = """
import sys
from taskhandler.errors import ConfigError
from taskhandler.ledger.opening import open_storage
try:
    print(type(open_storage(sys.argv[1])).__name__)
except ConfigError as error:
    print(error)
"""


def install(folder: Path, package: str, **entry_points: str) -> None:
    """What an installer leaves of a package: its module, its metadata and its entry points."""
    folder.joinpath(f"{package}.py").write_text(MODULE)
    about = folder / f"{package}-1.2.dist-info"
    about.mkdir()
    about.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
    points = "".join(f"{scheme} = {value}\n" for scheme, value in entry_points.items())
    about.joinpath("entry_points.txt").write_text(f"[taskhandler.storages]\n{points}")


def opened(folder: Path, url: str) -> str:
    """What the program prints that opens `url` where the packages of `folder` are installed."""
    command = [sys.executable, "-c", PROGRAM, url]
    env = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        command, env=env, stdout=subprocess.PIPE, text=True, check=True, timeout=60
    ).stdout.strip()


def test_an_installed_package_opens_the_urls_of_its_scheme(tmp_path: Path):
    install(tmp_path, "toy_ledger", toy="toy_ledger:open_url")
    assert opened(tmp_path, "toy://there") == "opening toy://there\nMemoryStorage"


@pytest.mark.parametrize("url", ["memory://", "MEMORY://"])
def test_a_package_cannot_replace_a_built_in_scheme(tmp_path: Path, url: str):
    install(tmp_path, "toy_ledger", memory="toy_ledger:open_nothing")
    assert "opening" not in opened(tmp_path, url)
    assert "toy_ledger" not in opened(tmp_path, url)


def test_an_unknown_scheme_is_refused_with_the_known_ones_and_how_to_add_one(tmp_path: Path):
    install(tmp_path, "toy_ledger", toy="toy_ledger:open_url")
    said = opened(tmp_path, "redis://user:secret@host")
    assert "no ledger has the scheme 'redis'; there are memory://, sqlite://, firestore://, toy://" in said
    assert "an entry point 'redis' in the group 'taskhandler.storages'" in said
    assert "secret" not in said


def test_two_packages_with_one_scheme_are_refused_by_name(tmp_path: Path):
    install(tmp_path, "one_ledger", toy="one_ledger:open_url")
    install(tmp_path, "two_ledger", toy="two_ledger:open_url")
    said = opened(tmp_path, "toy://there")
    assert "one_ledger 1.2" in said
    assert "two_ledger 1.2" in said
    assert "Uninstall all but one" in said


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("toy_ledger_gone:open_url", "failed with ModuleNotFoundError: No module named 'toy_ledger_gone'"),
        ("toy_ledger:no_such_function", "failed with AttributeError"),
        ("toy_ledger:not_a_function", "failed with TypeError: 'int' object is not callable"),
        ("toy_ledger:open_failing", "failed with OSError: cannot reach toy://us:***@host at all"),
        ("toy_ledger:open_nothing", "returned a value of type NoneType, which lacks close, create"),
        ("toy_ledger:open_old", "returned a value of type Old, which lacks list"),
    ],
)
def test_an_entry_point_that_does_not_open_its_url_is_named_with_the_reason(
    tmp_path: Path, value: str, problem: str
):
    install(tmp_path, "toy_ledger", toy=value)
    said = opened(tmp_path, "toy://us:secret@host")
    assert f"the entry point toy = {value} of toy_ledger 1.2 {problem}" in said
    assert "secret" not in said


def test_a_config_error_of_a_package_is_raised_as_it_is(tmp_path: Path):
    install(tmp_path, "toy_ledger", toy="toy_ledger:open_refused")
    assert opened(tmp_path, "toy://there").endswith("the disk of fame is full. Make room.")
