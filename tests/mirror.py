"""Which tests belong to which file: `taskhandler/x.py` is told about in `tests/test_x.py`, `test_x_*.py`.

A part of a file that grew (`x_part.py` beside `x.py`) may be told about with the whole.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent


def told_in(source: Path) -> list[Path]:
    """The test files of a source file, both as paths from the root of the project."""
    folder = ROOT / "tests" / source.parent.relative_to("taskhandler")
    found = [*folder.glob(f"test_{source.stem}.py"), *folder.glob(f"test_{source.stem}_*.py")]
    whole = source.with_stem(source.stem.rpartition("_")[0] or "-")
    if not found and (ROOT / whole).is_file():
        return told_in(whole)
    return [path.relative_to(ROOT) for path in sorted(found)]
