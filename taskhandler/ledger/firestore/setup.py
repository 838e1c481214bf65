"""What must be set up once for a Firestore ledger, as text to be read, copied and run."""

from __future__ import annotations

import json
import re
from shlex import quote

from taskhandler.ledger.firestore.attention import ATTENTION
from taskhandler.ledger.firestore.document import EXPIRE_AT, RECORD

_TEXT = """\
# Set-up of the task ledger in Firestore: project {project}, database {database}, collection {collection}
#
# One TTL policy removes records that have lost their meaning. Three fields are exempt from automatic
# indexing: no query uses {expire_at} or {map}, and {attention} is queried in ascending order only. Each index
# entry that is not needed makes writes slower and larger.

# 1. The database, if there is none yet. It must be of this type; its location cannot be changed later.
gcloud firestore databases create --type=firestore-native \\
    {database_flags} --location=LOCATION

# 2. The worker's right to use it.
gcloud projects add-iam-policy-binding {project_word} \\
    --member=serviceAccount:WORKER_SERVICE_ACCOUNT --role=roles/datastore.user

# 3. The TTL policy and the exemptions. Each takes some minutes, and may be repeated.
gcloud firestore fields ttls update {expire_at} --enable-ttl \\
    {database_flags} --collection-group={collection_word}
gcloud firestore indexes fields update {expire_at} --disable-indexes \\
    {database_flags} --collection-group={collection_word}
gcloud firestore indexes fields update {map} --disable-indexes \\
    {database_flags} --collection-group={collection_word}
gcloud firestore indexes fields update {attention} --index=order=ASCENDING \\
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
  index_config {{{indexes}}}
}}"""

_TTL = """
  ttl_config {}
"""

_ASCENDING = """
    indexes {
      order       = "ASCENDING"
      query_scope = "COLLECTION"
    }
  """


def describe_setup(project: str, database: str, collection: str) -> str:
    """The commands, an index file and a Terraform snippet that set up a ledger's database.

    Words in capitals are to be replaced by the reader. The commands are those of gcloud 528; the snippet is
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
        map=RECORD,
        attention=ATTENTION,
        indexes=_write_indexes(collection),
        terraform="\n\n".join(
            _write_resource(project, database, collection, field, policy=policy, indexes=indexes)
            for field, policy, indexes in (
                (EXPIRE_AT, _TTL, ""),
                (RECORD, "", ""),
                (ATTENTION, "", _ASCENDING),
            )
        ),
    )


def _write_indexes(collection: str) -> str:
    ascending = {"order": "ASCENDING", "queryScope": "COLLECTION"}
    overrides: list[dict[str, object]] = [
        {"collectionGroup": collection, "fieldPath": EXPIRE_AT, "ttl": True, "indexes": []},
        {"collectionGroup": collection, "fieldPath": RECORD, "indexes": []},
        {"collectionGroup": collection, "fieldPath": ATTENTION, "indexes": [ascending]},
    ]
    return json.dumps({"indexes": [], "fieldOverrides": overrides}, indent=2)


def _write_resource(
    project: str, database: str, collection: str, field: str, *, policy: str, indexes: str
) -> str:
    name = re.sub(r"[^A-Za-z0-9_]", "_", f"{collection}_{field}")
    return _TERRAFORM.format(
        name=name,
        project=json.dumps(project),
        database=json.dumps(database),
        collection=json.dumps(collection),
        field=json.dumps(field),
        policy=policy,
        indexes=indexes,
    )
