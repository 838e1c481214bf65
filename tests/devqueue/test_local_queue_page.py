"""docs/local-queue.md documents every option, request and fault, and no others; its code is run elsewhere."""

from __future__ import annotations

import re
from dataclasses import fields

from flask import Flask

from taskhandler import TaskBlueprint
from taskhandler.devqueue import Faults, LocalQueue
from taskhandler.devqueue.__main__ import _make_parser
from taskhandler.devqueue.faults import TokenFault
from tests.mirror import ROOT

from .http_calls import request, sent

PAGE = (ROOT / "docs" / "local-queue.md").read_text()


def first_column(heading: str) -> list[str]:
    """Return the code in the first column of the table under a heading."""
    _, _, rest = PAGE.partition(f"## {heading}\n")
    rows = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    return [code for row in rows for code in re.findall(r"`([^`]+)`", row.split("|")[1])]


def test_the_page_documents_every_option_and_no_other():
    options = {option for action in _make_parser()._actions for option in action.option_strings}  # noqa: SLF001 - argparse has no other list
    assert {*first_column("The command's options"), "-h", "--help"} == options


def test_every_request_on_the_page_is_answered(queue: LocalQueue):
    for documented in first_column("The HTTP side"):
        method, path = documented.replace("SECONDS", "0").split(" ")
        answer = sent(queue, request(method, path, "Content-Type: application/json", body=b"{}"))
        assert answer is not None
        assert answer.status == 200, documented


def test_the_page_documents_every_fault_and_no_other():
    assert sorted(first_column("Faults")) == sorted(field.name for field in fields(Faults))
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| `token`")]
    kinds = re.findall(r"`([a-z_]+)`", row.split("|")[2])
    assert kinds == [fault.value for fault in TokenFault]


def test_an_app_accepts_the_settings_of_the_page():
    exported = dict(
        re.findall(r"\b([A-Z_]+)=(\S+)", "\n".join(re.findall(r"^\$ export (.*)$", PAGE, re.MULTILINE)))
    )
    (container,) = re.findall(r"^  app:\n((?:    .*\n)+)", PAGE, re.MULTILINE)
    for given in (
        exported,
        exported | dict(re.findall(r"^      ([A-Z_]+): (\S+)$", container, re.MULTILINE)),
    ):
        app = Flask(__name__)
        app.config.update(given, TASKHANDLER_LEDGER="memory://")
        app.register_blueprint(TaskBlueprint("tasks", __name__), url_prefix="/tasks")
        assert "TASKHANDLER_CERTS_URL" in given
