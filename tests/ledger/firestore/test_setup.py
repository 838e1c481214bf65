"""What people are told to set up names what is theirs, and is the same in the docs."""

from __future__ import annotations

import json
import shlex

from taskhandler.ledger.firestore.setup import setup_instructions
from tests.mirror import ROOT

TOLD = setup_instructions("my-project", "(default)", "task_ledger")


def commands(text: str) -> list[list[str]]:
    joined = text.replace("\\\n", " ")
    return [shlex.split(line) for line in joined.splitlines() if line.startswith("gcloud ")]


def test_the_docs_say_the_same():
    assert TOLD in (ROOT / "docs" / "firestore.md").read_text()


def test_one_policy_and_two_exemptions_are_asked_for():
    verbs = [" ".join(command[1:6]) for command in commands(TOLD)]
    assert [verb for verb in verbs if "update" in verb] == [
        "firestore fields ttls update expire_at",
        "firestore indexes fields update expire_at",
        "firestore indexes fields update m",
    ]


def test_every_command_names_project_database_and_collection():
    told = commands(setup_instructions("p-1", "d-1", "it's mine"))
    for command in told:
        assert "--project=p-1" in command or "p-1" in command
    for command in told[2:]:
        assert "--database=d-1" in command
        assert "--collection-group=it's mine" in command


def test_the_index_file_is_json():
    start, end = TOLD.index("\n{\n"), TOLD.index("\n}\n")
    overrides = json.loads(TOLD[start : end + 2])["fieldOverrides"]
    fields = {each["fieldPath"]: (each["indexes"], each.get("ttl", False)) for each in overrides}
    assert fields == {"expire_at": ([], True), "m": ([], False)}


def test_terraform_is_told_of_both_fields():
    assert TOLD.count('resource "google_firestore_field"') == 2
    assert TOLD.count("ttl_config {}") == 1
    assert TOLD.count("index_config {}") == 2
