"""`flask tasks`: commands for operators."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from taskhandler.ledger.firestore.setup import describe_setup

tasks = AppGroup("tasks", help="Receive Google Cloud Tasks.")
"""Found by Flask through the entry point `flask.commands`."""


@tasks.command("setup", with_appcontext=False)
@click.option("--project", required=True, help="The id of the Google Cloud project.")
@click.option("--database", default="(default)", show_default=True, help="The Firestore database.")
@click.option("--collection", default="task_ledger", show_default=True, help="Where the records are kept.")
def setup(project: str, database: str, collection: str) -> None:
    """Print the commands that set up a Firestore ledger. Changes nothing."""
    click.echo(describe_setup(project, database, collection))
