"""The set-up commands name the user's project, database and collection, and are the same in the docs."""

from __future__ import annotations

import json
import shlex

from taskhandler.ledger.firestore.setup import describe_setup
from tests.mirror import ROOT

PRINTED = describe_setup("my-project", "(default)", "task_ledger")


def commands(text: str) -> list[list[str]]:
    joined = text.replace("\\\n", " ")
    return [shlex.split(line) for line in joined.splitlines() if line.startswith("gcloud ")]


def test_the_page_has_the_text_that_setup_prints():
    assert PRINTED in (ROOT / "docs" / "firestore.md").read_text()


def test_the_commands_set_up_one_policy_and_three_exemptions():
    verbs = [" ".join(command[1:6]) for command in commands(PRINTED)]
    assert [verb for verb in verbs if "update" in verb] == [
        "firestore fields ttls update expire_at",
        "firestore indexes fields update expire_at",
        "firestore indexes fields update record",
        "firestore indexes fields update attention",
    ]


def test_every_command_names_project_database_and_collection():
    given = commands(describe_setup("p-1", "d-1", "it's mine"))
    for command in given:
        assert "--project=p-1" in command or "p-1" in command
    for command in given[2:]:
        assert "--database=d-1" in command
        assert "--collection-group=it's mine" in command


def test_the_index_file_is_json():
    start, end = PRINTED.index("\n{\n"), PRINTED.index("\n}\n")
    overrides = json.loads(PRINTED[start : end + 2])["fieldOverrides"]
    fields = {each["fieldPath"]: (each["indexes"], each.get("ttl", False)) for each in overrides}
    ascending = {"order": "ASCENDING", "queryScope": "COLLECTION"}
    assert fields == {
        "expire_at": ([], True),
        "record": ([], False),
        "attention": ([ascending], False),
    }


def test_attention_has_an_ascending_index_only():
    (command,) = [each for each in commands(PRINTED) if "attention" in each]
    assert [flag for flag in command if flag.startswith("--index")] == ["--index=order=ASCENDING"]
    assert PRINTED.count('order       = "ASCENDING"') == 1


def test_terraform_has_all_three_fields():
    assert PRINTED.count('resource "google_firestore_field"') == 3
    assert PRINTED.count("ttl_config {}") == 1
    assert PRINTED.count("index_config {") == 3
