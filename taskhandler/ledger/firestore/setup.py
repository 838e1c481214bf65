"""What has to be set up once for a Firestore ledger, as text to be read, copied and run."""

from __future__ import annotations

import json
import re
from shlex import quote

from taskhandler.ledger.firestore.document import EXPIRE_AT, MAP

_TEXT = """\
# Set-up of the task ledger in Firestore: project {project}, database {database}, collection {collection}
#
# One TTL policy, so that records go when they mean nothing any more, and two exemptions from indexing:
# nothing queries these fields, and each index entry would make every write slower and larger.

# 1. The database, if it is not there yet. It must be of this type; its location cannot be changed later.
gcloud firestore databases create --type=firestore-native \\
    {database_flags} --location=LOCATION

# 2. The worker's right to use it.
gcloud projects add-iam-policy-binding {project_word} \\
    --member=serviceAccount:WORKER_SERVICE_ACCOUNT --role=roles/datastore.user

# 3. The TTL policy and the exemptions. Each takes some minutes, and may be run again.
gcloud firestore fields ttls update {expire_at} --enable-ttl \\
    {database_flags} --collection-group={collection_word}
gcloud firestore indexes fields update {expire_at} --disable-indexes \\
    {database_flags} --collection-group={collection_word}
gcloud firestore indexes fields update {map} --disable-indexes \\
    {database_flags} --collection-group={collection_word}

# Instead of 3, with the Firebase CLI: firestore.indexes.json, for 'firebase deploy --only firestore:indexes'.
{indexes}

# Instead of 3, with Terraform:
{terraform}
"""

_TERRAFORM = """\
resource "google_firestore_field" "{name}" {{
  project    = {project}
  database   = {database}
  collection = {collection}
  field      = {field}
{policy}
  index_config {{}} # none
}}"""

_TTL = """
  ttl_config {}
"""


def setup_instructions(project: str, database: str, collection: str) -> str:
    """The commands, an index file and a Terraform snippet that set up a ledger's database.

    What stands in capitals is for the reader to fill in. The commands are those of gcloud 528; the snippet is
    for the google provider of Terraform.

    Args:
        project: the id of the project.
        database: the id of the database, `(default)` for the default one.
        collection: the id of the collection.
    """
    return _TEXT.format(
        project=project,
        database=database,
        collection=collection,
        project_word=quote(project),
        database_flags=f"--project={quote(project)} --database={quote(database)}",
        collection_word=quote(collection),
        expire_at=EXPIRE_AT,
        map=MAP,
        indexes=_indexes(collection),
        terraform="\n\n".join(
            _resource(project, database, collection, field, ttl)
            for field, ttl in ((EXPIRE_AT, _TTL), (MAP, ""))
        ),
    )


def _indexes(collection: str) -> str:
    overrides: list[dict[str, object]] = [
        {"collectionGroup": collection, "fieldPath": EXPIRE_AT, "ttl": True, "indexes": []},
        {"collectionGroup": collection, "fieldPath": MAP, "indexes": []},
    ]
    return json.dumps({"indexes": [], "fieldOverrides": overrides}, indent=2)


def _resource(project: str, database: str, collection: str, field: str, policy: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]", "_", f"{collection}_{field}")
    return _TERRAFORM.format(
        name=name,
        project=json.dumps(project),
        database=json.dumps(database),
        collection=json.dumps(collection),
        field=json.dumps(field),
        policy=policy,
    )
