"""Which files are pure: what they return depends on their arguments alone.

The one list is the contract "Pure files do no I/O" in pyproject.toml, where `room.*` means
every file of a room. The coverage of pure files (`tests.pure_coverage`) and their mutants follow it;
`python -m tests.pure` prints the configuration of mutmut.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.mirror import CONTRACTS, ROOT, find_tests

PACKAGE = "taskhandler"
CONTRACT = re.compile(
    r'name = "Pure files do no I/O"\n.*?'
    r"source_modules = \[(?P<pure>.*?)\]\n.*?forbidden_modules = \[(?P<io>.*?)\]",
    re.DOTALL,
)

COUNTS_FRAMES = (
    "tests/handlers/test_payload_reason.py::test_a_payload_error_holds_neither_the_body_nor_what_was_raised"
)
"""It fails under mutmut, which adds frames of its own to tracebacks."""


def main() -> None:
    """Print what mutmut reads from setup.cfg."""
    files = pure_files()
    tests = sorted({str(test) for file in files for test in find_tests(file)})
    options = {
        "source_paths": [PACKAGE],
        "only_mutate": [str(file) for file in files],
        "pytest_add_cli_args_test_selection": tests,
        "also_copy": ["examples"],  # of which the tests use some
        # A mutant must not live or die by the order of the tests.
        "pytest_add_cli_args": ["-p", "no:randomly", "--deselect", COUNTS_FRAMES],
    }
    lines = [f"{option} =\n    " + "\n    ".join(values) for option, values in options.items()]
    sys.stdout.write("\n".join(["[mutmut]", *lines, ""]))


def pure_files() -> list[Path]:
    """The files of the contract whose own tests must reach every branch, from the root of the project.

    A file that keeps the contract of storages is tested by the suite of that contract.
    """
    return [file for file in _in_contract() if file not in CONTRACTS]


def unlisted_files() -> list[Path]:
    """The files that would keep the contract and are not in it, but for storages and the local queue."""
    rooms = {ROOT / PACKAGE / room for room in ("devqueue", "ledger/sqlite", "ledger/firestore")}
    files = [file for file in (ROOT / PACKAGE).rglob("[!_]*.py") if rooms.isdisjoint(file.parents)]
    others = {file.relative_to(ROOT) for file in files}.difference(_in_contract())
    return sorted(file for file in others if not _does_io(file, set()))


def files_that_do_io() -> list[Path]:
    """The files that break the contract; import-linter notices all but those with `urllib.request`."""
    return [file for file in _in_contract() if _does_io(file, set())]


def _in_contract() -> list[Path]:
    return sorted(file for module in _listed("pure") for file in _files(module))


def _listed(what: str) -> list[str]:
    contract = CONTRACT.search((ROOT / "pyproject.toml").read_text())
    assert contract is not None
    return re.findall(r'"(.*)"', contract[what])


def _files(module: str) -> list[Path]:
    path = Path(*module.split("."))
    if path.name != "*":
        return [path.with_suffix(".py")]
    return [file.relative_to(ROOT) for file in (ROOT / path.parent).glob("[!_]*.py")]


def _does_io(file: Path, seen: set[Path]) -> bool:
    """Whether it imports a module that does I/O, itself or through another file."""
    seen.add(file)
    imported = set(_imported(file))
    if "urllib.request" in imported or any(name.split(".")[0] in _listed("io") for name in imported):
        return True
    ours = {Path(*name.split(".")).with_suffix(".py") for name in imported if name.startswith(f"{PACKAGE}.")}
    return any(_does_io(one, seen) for one in ours - seen if (ROOT / one).is_file())


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


if __name__ == "__main__":
    main()
