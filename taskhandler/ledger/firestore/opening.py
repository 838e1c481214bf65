"""From a URL to the Firestore ledger."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from taskhandler.errors import ConfigError
from taskhandler.ledger.firestore.storage import FirestoreStorage
from taskhandler.ledger.firestore.url import KEY, Place, place_of


def open_firestore(url: str) -> FirestoreStorage:
    """The ledger at `firestore://[project]/[database]/[collection][?warm=1]`.

    Nothing is loaded or asked before the first delivery, unless `warm=1` asks for it.

    Raises:
        ConfigError: the URL is wrong, or google-cloud-firestore is not installed.
    """
    place = place_of(url)
    if not _is_installed():
        problem = "google-cloud-firestore is not installed"
        raise ConfigError(KEY, url, problem, remedy='pip install "flask-taskhandler[firestore]"')
    storage = FirestoreStorage(client=lambda: _client(place), collection=place.collection)
    if place.warm:
        storage.warm_up()
    return storage


def _is_installed() -> bool:
    try:
        return find_spec("google.cloud.firestore") is not None
    except ModuleNotFoundError:
        return False


def _client(place: Place) -> Any:  # noqa: ANN401 - Google's client, which is not loaded yet
    from taskhandler.ledger.firestore.grpc_transport import client_for  # noqa: PLC0415 - it loads Google's libraries

    return client_for(place)
