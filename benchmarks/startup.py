"""`import taskhandler` and building an app, against Flask alone: CPU seconds of whole fresh processes.

python -m benchmarks.startup
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median

ROUNDS = 21
ROOT = Path(__file__).parents[1]
BARE = """
from flask import Flask
app = Flask("bare")
@app.post("/tasks/charge-order")
def charge_order():
    return {}
"""
OURS = """
from flask import Flask
from taskhandler import TaskBlueprint
tasks = TaskBlueprint("tasks", __name__)
@tasks.handler("charge-order")
def charge_order(order: dict) -> dict:
    return {}
app = Flask("ours")
app.config.update(
    TASKHANDLER_AUDIENCE="https://a.example.com/tasks",
    TASKHANDLER_SERVICE_ACCOUNTS="queue@a.iam.gserviceaccount.com",
    TASKHANDLER_LEDGER="memory://",
)
app.register_blueprint(tasks, url_prefix="/tasks")
"""
HEAVY = (
    "asyncio",
    "google.auth",
    "google.cloud",
    "grpc",
    "pydantic",
    "requests",
    "sqlite3",
    "urllib.request",
)


def main() -> None:
    """Measure and print."""
    for program in (OURS, BARE):
        _seconds(program)  # so that all bytecode is there, as on a server
    pairs = [(_seconds(OURS), _seconds(BARE)) for _ in range(ROUNDS)]
    ours, bare = (median(times) for times in zip(*pairs, strict=True))
    print(f"taskhandler    {ours * 1e3:7.1f} ms of CPU")
    print(f"flask alone    {bare * 1e3:7.1f} ms of CPU")
    print(f"ratio          {median(one / other for one, other in pairs):7.2f}    (budget 1.20)")
    listing = f"import sys\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    for name, program in (("taskhandler", OURS), ("flask alone", BARE)):
        command = [sys.executable, "-c", program + listing]
        loaded = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
        print(f"{name}: heavy modules imported: {', '.join(loaded) or 'none'}")


def _seconds(program: str) -> float:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", program], environment)
    _, status, used = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"exit status {status}")
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
