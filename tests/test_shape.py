"""What CONTRIBUTING asks for and no other tool checks."""

from __future__ import annotations

import ast
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import taskhandler
from tests.mirror import ROOT, find_tests
from tests.pure import files_that_do_io, unlisted_files

LONGEST_LINES = 300
LOGGERS = ("taskhandler", "taskhandler.auth", "taskhandler.ledger", "taskhandler.devqueue")
"""Part of the interface: people set levels by these names, so that they follow no file that moves."""

NEVER = {"abstract", "base", "common", "core", "helper", "helpers", "impl", "manager", "misc", "obj"}
NEVER |= {"service", "util", "utils"}
OF_OTHERS = re.compile(r"service_?(account|control)|SERVICE_?ACCOUNT|ServiceAccount|K_SERVICE")
DIRECTIVE = re.compile(
    r"#\s*(noqa(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)?|type:\s*ignore(\[[^]]*\])?|pragma:\s*no\s(cover|branch))"
)
UNDONE = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X)\b|\bimport moc[k]\b|\bunittest\.moc[k]\b")
FOREIGN = re.compile(
    r"_(told|wanted|strangers?|whoever|somebody\w*|nobodys|be_had|comes?_to|came_to|what_became|becomes_of|ones_own)(_|$)"
    r"|(?<!there)_(is|are)_(no_(?!longer|more)|none_of)"
)
"""Phrases in the name of a test that are not plain English."""
MACHINE = re.compile(r"(?<![\w.:/])/(wor[k]|roo[t]|hom[e]|User[s])/\w")


def tracked(ending: str = "") -> list[Path]:
    """The files that git knows, as paths from the root of the project."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607 - git is where the machine has it
    if done.returncode:
        pytest.skip("not a git checkout: this is checked in the repository only")
    names = [Path(name) for name in done.stdout.split("\0") if name.endswith(ending)]
    return [name for name in names if (ROOT / name).is_file()]


def lines_that_match(pattern: re.Pattern[str], ending: str) -> list[str]:
    """Where the pattern is found in files with this ending."""
    return [
        f"{name}:{number}: {line.strip()}"
        for name in tracked(ending)
        for number, line in enumerate((ROOT / name).read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


def sources() -> list[Path]:
    """The files of the package."""
    return [name for name in tracked(".py") if name.parts[0] == "taskhandler"]


def names_in(source: Path) -> Iterator[str]:
    """Every name that a file gives to something of its own."""
    yield source.stem
    for node in ast.walk(ast.parse((ROOT / source).read_text())):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.alias(asname=str(name)):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case _:
                pass


def words_of(name: str) -> set[str]:
    """The words of a name, however it is cased."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", OF_OTHERS.sub("", name))
    return set(spaced.lower().split("_"))


def comments(source: Path) -> Iterator[tuple[int, str]]:
    """Every comment of a file, with its line."""
    with tokenize.open(ROOT / source) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def test_no_file_is_longer_than_300_lines():
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in tracked(".py")}
    assert not {str(name): length for name, length in lengths.items() if length > LONGEST_LINES}


def test_every_file_has_tests_of_its_own():
    untested = [
        str(source) for source in sources() if not source.stem.startswith("__") and not find_tests(source)
    ]
    assert not untested, "\n".join(untested)


def test_every_public_name_is_described():
    names = getattr(taskhandler, "__all__", ())
    assert not [name for name in names if not getattr(taskhandler, name).__doc__]


def test_no_file_has_undone_notes_or_mocks():
    assert not lines_that_match(UNDONE, ".py")


def test_no_file_names_a_folder_of_one_machine():
    assert not lines_that_match(MACHINE, "")


def test_no_name_of_a_test_has_a_phrase_that_is_not_plain_english():
    names = {
        node.name
        for name in tracked(".py")
        for node in ast.walk(ast.parse((ROOT / name).read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    assert len(names) > 1000
    assert not sorted(name for name in names if FOREIGN.search(name))


def test_every_exception_to_a_rule_carries_its_reason():
    bare = [
        f"{name}:{line}: {comment}"
        for name in tracked(".py")
        for line, comment in comments(name)
        if DIRECTIVE.search(comment) and not re.search(r"[A-Za-z]{2}", DIRECTIVE.sub("", comment))
    ]
    assert not bare, "\n".join(bare)


def test_no_name_of_the_package_has_a_word_that_says_nothing():
    vague = [
        f"{source}: {name}"
        for source in sources()
        for name in names_in(source)
        if words_of(name) & NEVER or re.match(r"_*(process|do)_", name)
    ]
    assert not vague, "\n".join(vague)


def loggers_in(source: Path) -> list[str]:
    """What a file does with `logging.getLogger`, one entry for each call."""
    tree = ast.parse((ROOT / source).read_text())
    calls = [
        node for node in ast.walk(tree) if "getLogger" in ast.unparse(node) and isinstance(node, ast.Call)
    ]
    named = {
        f"{ast.unparse(node.targets[0])} = {ast.unparse(node.value)}"
        for node in tree.body
        if isinstance(node, ast.Assign) and node.value in calls
    }
    return sorted(named) if len(named) == len(calls) else [ast.unparse(call) for call in calls]


def test_every_logger_is_called_LOGGER_and_has_a_documented_name():  # noqa: N802 - the constant's name
    allowed = {f"LOGGER = logging.getLogger('{name}')" for name in LOGGERS}
    wrong = [
        f"{source}: {found}" for source in sources() for found in loggers_in(source) if found not in allowed
    ]
    assert not wrong, "\n".join(wrong)
    page = (ROOT / "docs" / "serving.md").read_text()
    assert not [name for name in LOGGERS if f"`{name}`" not in page]


def test_every_file_without_io_is_listed_as_pure():
    assert not unlisted_files(), "add them to the contract of pure files in pyproject.toml"


def test_no_pure_file_does_io():
    assert not files_that_do_io()
