"""Every command on the pages can be typed: what it calls exists, and so do the options that it gives."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache, partial
from subprocess import CalledProcessError

import pytest
from click import Command, Group
from flask.cli import run_command
from gunicorn.config import Config  # type: ignore[import-untyped]  # gunicorn ships no types

from taskhandler.cli import tasks
from taskhandler.config.settings import KEYS, PREFIX, UNPREFIXED_KEYS
from taskhandler.devqueue import Faults
from tests.mirror import ROOT
from tests.pages import PAGES, commands, name_of

COMMANDS = sorted({(name_of(page), command) for page in PAGES for command in commands(page)})
TARGET = re.compile(r"^([a-z-]+):.*\n((?:\t.*\n)*)", re.MULTILINE)
TARGETS = dict(TARGET.findall((ROOT / "Makefile").read_text()))
SETTINGS = {*UNPREFIXED_KEYS, *(PREFIX + key for key in KEYS)}


def options_in(words: list[str]) -> set[str]:
    """The options among the words of a command, without their values."""
    return {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}


@lru_cache
def options_of(module: str) -> frozenset[str]:
    """The options that a module's `--help` shows."""
    command = [sys.executable, "-m", module, "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", done.stdout))


def check_module(words: list[str]) -> None:
    module, *given = words
    assert importlib.util.find_spec(module), f"there is no module {module}"
    if options := options_in(given):
        assert options <= options_of(module)


def check_make(words: list[str]) -> None:
    given = dict(word.split("=", 1) for word in words if "=" in word)
    assert given.keys() <= {"ARGS", "PYTHON"}
    for target in (word for word in words if "=" not in word):
        assert target in TARGETS
        if "ARGS" in given:
            (module, *_) = re.findall(r"-m ([\w.]+)", TARGETS[target])
            check_module([module, *shlex.split(given["ARGS"])])


def check_click(command: Command, words: list[str]) -> None:
    if isinstance(command, Group):
        check_click(command.commands[words[0]], words[1:])
    else:
        assert options_in(words) <= {option for parameter in command.params for option in parameter.opts}


def check_extras(words: list[str]) -> None:
    (what,) = words
    extras = set(re.findall(r"[a-z]+", what))
    assert extras <= set(importlib.metadata.metadata("flask-taskhandler").get_all("Provides-Extra") or [])


def check_faults(words: list[str]) -> None:
    Faults(**json.loads(words[words.index("-d") + 1]))


def check_variables(words: list[str]) -> None:
    """Check the environment that gcloud gives to a service; gcloud itself is perhaps not installed."""
    given = [word for word in words if word.startswith("--set-env-vars=")]
    assert set(re.findall(r"[=,]([A-Z_]+)(?==)", " ".join(given))) <= SETTINGS


def check_gunicorn(words: list[str]) -> None:
    assert options_in(words) <= set(Config().parser()._option_string_actions)  # noqa: SLF001 - argparse has no other list


def check_exports(words: list[str]) -> None:
    assert {word.partition("=")[0] for word in words} <= SETTINGS


def check_nothing(words: list[str]) -> None:
    """Pass a program that is not ours and perhaps not installed: the shell has parsed its command."""
    assert words


CHECKS: dict[tuple[str, ...], Callable[[list[str]], None]] = {
    ("make",): check_make,
    ("python", "-m"): check_module,
    ("flask", "tasks"): partial(check_click, tasks),
    ("flask", "run"): partial(check_click, run_command),
    ("pip", "install"): check_extras,
    ("gunicorn",): check_gunicorn,
    ("export",): check_exports,
    ("curl",): check_faults,
    ("gcloud",): check_variables,
    ("chgrp",): check_nothing,
    ("sqlite3",): check_nothing,
}


def try_out(command: str) -> None:
    subprocess.run(["bash", "-n", "-c", command], check=True)  # noqa: S607 - bash is where the machine has it
    words = shlex.split(command, comments=True)
    length = next((length for length in (1, 2) if tuple(words[:length]) in CHECKS), None)
    assert length, f"no check knows {words[0]!r}"
    CHECKS[tuple(words[:length])](words[length:])


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_on_a_page_names_what_exists(page: str, command: str):
    assert page
    try_out(command)


def test_the_pages_name_every_target_that_is_described():
    described = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = {word for _, command in COMMANDS if command.startswith("make ") for word in command.split()}
    assert not set(described) - named


@pytest.mark.parametrize(
    "command",
    [
        "make demonstration",
        "make demo ARGS='--legder sqlite'",
        "python -m taskhandler.localqueue",
        "python -m taskhandler.devqueue --grpc-port 8123",
        "flask tasks install",
        "flask tasks setup --porject=p",
        "pip install '.[queue]'",
        "gunicorn --thread 8",
        "export TASKHANDLER_LEGDER=memory://",
        "curl -d '{\"duplicates\": 0.2}' http://127.0.0.1:8124/_/faults",
        "gcloud run deploy --set-env-vars=TASKHANDLER_LEDGER=firestore://p/(default)/c",
        "gcloud run deploy --set-env-vars=TASKHANDLER_LEDGER=x,TASKHANDLER_LEGDER=y",
        "docker build .",
    ],
)
def test_a_command_that_names_what_does_not_exist_is_noticed(command: str):
    with pytest.raises((AssertionError, LookupError, TypeError, CalledProcessError)):
        try_out(command)
