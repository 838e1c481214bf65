"""Do its own tests reach every branch of each pure file? `python -m tests.pure_coverage`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.mirror import ROOT, find_tests
from tests.pure import pure_files


def main() -> int:
    """The number of files that fall short."""
    return sum(not covered(source) for source in pure_files())


def covered(source: Path) -> bool:
    """Whether the tests of `source` pass and leave out nothing of it; says so if not."""
    tests = [str(test) for test in find_tests(source)]
    with TemporaryDirectory() as folder:
        env = {**os.environ, "COVERAGE_FILE": str(Path(folder, "coverage"))}
        good = bool(tests) and _run("run", "-m", "pytest", "-q", *tests, env=env)
        good = good and _run("report", f"--include={source}", "--fail-under=100", env=env)
    sys.stdout.write(f"{'full' if good else 'FALLS SHORT'}: {source} from {', '.join(tests) or 'no tests'}\n")
    return good


def _run(*args: str, env: dict[str, str]) -> bool:
    command = [sys.executable, "-m", "coverage", *args]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stdout.write(done.stdout + done.stderr)
    return not done.returncode


if __name__ == "__main__":
    sys.exit(main())
