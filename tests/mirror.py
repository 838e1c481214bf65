"""Which tests belong to which file: `taskhandler/x.py` is tested by `tests/test_x.py` and `test_x_*.py`.

A part of a file that grew (`x_part.py` beside `x.py`) may be tested with the whole, and what keeps a
contract may be tested in the suite of that contract alone.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
LEDGER = Path("taskhandler", "ledger")
CONTRACTS = {
    LEDGER / name: LEDGER / "contract.py"
    for name in ("storage.py", "memory.py", "sqlite/storage.py", "firestore/storage.py")
}
"""The suite of each file that keeps a contract."""

PARTS = {
    Path("taskhandler", *part.split("/")): Path("taskhandler", *whole.split("/"))
    for part, whole in {
        "config/sources.py": "config/settings.py",
        "delivery/request.py": "delivery/receiver.py",
        "ledger/firestore/grpc_transport.py": "ledger/firestore/storage.py",
        "ledger/firestore/opening.py": "ledger/opening.py",
        "ledger/firestore/transport.py": "ledger/firestore/storage.py",
        "ledger/sqlite/connections.py": "ledger/sqlite/storage.py",
        "ledger/sqlite/file.py": "ledger/sqlite/storage.py",
        "ledger/sqlite/opening.py": "ledger/opening.py",
        "protobuf.py": "devqueue/wellformed.py",
        "testing/contract/fixtures.py": "testing/contract/writes.py",
        "testing/contract/samples.py": "testing/contract/writes.py",
        "testing/programs/forking.py": "testing/contract/processes.py",
        "testing/programs/racing.py": "testing/contract/processes.py",
        "testing/programs/start.py": "testing/contract/processes.py",
        "testing/programs/wall_clock.py": "testing/contract/ages.py",
        "testing/programs/writing.py": "testing/contract/processes.py",
    }.items()
}
"""Files that are tested with a larger whole only."""


def find_tests(source: Path) -> list[Path]:
    """The test files of a source file, both as paths from the root of the project."""
    found = [*_suite(source), *_suite(CONTRACTS.get(source, source))]
    whole = PARTS.get(source, source.with_stem(source.stem.rpartition("_")[0] or "-"))
    if not found and (ROOT / whole).is_file():
        return find_tests(whole)
    return sorted({path.relative_to(ROOT) for path in found})


def _suite(source: Path) -> list[Path]:
    folder = ROOT / "tests" / source.parent.relative_to("taskhandler")
    return [*folder.glob(f"test_{source.stem}.py"), *folder.glob(f"test_{source.stem}_*.py")]
