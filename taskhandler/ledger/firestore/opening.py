"""From a URL to the Firestore ledger."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from taskhandler.errors import LEDGER_KEY, ConfigError
from taskhandler.ledger.firestore.storage import FirestoreStorage
from taskhandler.ledger.firestore.url import FirestoreUrl, parse_url


def open_firestore(url: str) -> FirestoreStorage:
    """The ledger at `firestore://[project]/[database]/[collection][?warm=1]`.

    With `warm=1` Google's libraries are loaded now, otherwise at the first delivery. No call is made.

    Raises:
        ConfigError: the URL is wrong, or google-cloud-firestore is not installed.
    """
    parsed = parse_url(url)
    if not _is_installed():
        problem = "google-cloud-firestore is not installed"
        raise ConfigError(LEDGER_KEY, url, problem, remedy='pip install "flask-taskhandler[firestore]"')
    storage = FirestoreStorage(client=lambda: _make_client(parsed), collection=parsed.collection)
    if parsed.warm:
        storage.warm_up()
    return storage


def _is_installed() -> bool:
    try:
        return find_spec("google.cloud.firestore") is not None
    except ModuleNotFoundError:
        return False


def _make_client(url: FirestoreUrl) -> Any:  # noqa: ANN401 - Google's client, which is not loaded yet
    from taskhandler.ledger.firestore.grpc_transport import make_client  # noqa: PLC0415 - it loads Google's libraries

    return make_client(url)
