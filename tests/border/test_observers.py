"""Error trackers and tracers see a handler's error as they see a view's: once. Steering is not an error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.auth.issuer import ACCOUNT, AUDIENCE, Publisher
from tests.border.served import lines
from tests.mirror import ROOT


def seen_by(program: str, *arguments: str, folder: Path, publisher: Publisher) -> Any:  # noqa: ANN401 - JSON
    """What a watched app's program has seen of its deliveries."""
    settings = {
        "BORDER_FOLDER": str(folder),
        "BORDER_HEADERS": json.dumps(dict(lines("t"))),
        "TASKHANDLER_AUDIENCE": AUDIENCE,
        "TASKHANDLER_SERVICE_ACCOUNTS": ACCOUNT,
        "TASKHANDLER_CERTS_URL": publisher.url,
        "TASKHANDLER_LEDGER": "memory://",
    }
    done = subprocess.run(
        [sys.executable, "-m", f"tests.border.programs.{program}", *arguments],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def test_sentry_is_sent_a_handlers_error_once_and_no_steering(tmp_path: Path, publisher: Publisher):
    events = seen_by("sentry", folder=tmp_path, publisher=publisher)
    assert events == [["tasks.fail", ["ConnectionError"]]]


@pytest.mark.parametrize("when", ["early", "late"])
def test_each_delivery_is_one_span_and_a_handlers_error_is_recorded_in_its_span(
    tmp_path: Path, publisher: Publisher, when: str
):
    spans = seen_by("telemetry", when, folder=tmp_path, publisher=publisher)
    assert {name.rpartition("/")[2]: errors for name, errors in spans} == {
        "note": [],
        "fail": ["ConnectionError"],
        "retry": [],
        "limit": [],
        "reject": [],
        "decode": [],
    }
    assert len(spans) == 6
