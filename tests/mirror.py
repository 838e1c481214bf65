"""Which tests belong to which file: `taskhandler/x.py` is told about in `tests/test_x.py`, `test_x_*.py`.

A part of a file that grew (`x_part.py` beside `x.py`) may be told about with the whole, and what keeps a
contract may be told about in the suite of that contract alone.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
CONTRACTS = {
    f"taskhandler/ledger/{name}.py": "contract" for name in ("storage", "memory", "sqlite", "firestore")
}
"""The suite of each file that keeps a contract."""


def told_in(source: Path) -> list[Path]:
    """The test files of a source file, both as paths from the root of the project."""
    found = [*_suite(source, source.stem), *_suite(source, CONTRACTS.get(str(source), source.stem))]
    whole = source.with_stem(source.stem.rpartition("_")[0] or "-")
    if not found and (ROOT / whole).is_file():
        return told_in(whole)
    return sorted({path.relative_to(ROOT) for path in found})


def _suite(source: Path, name: str) -> list[Path]:
    folder = ROOT / "tests" / source.parent.relative_to("taskhandler")
    return [*folder.glob(f"test_{name}.py"), *folder.glob(f"test_{name}_*.py")]
