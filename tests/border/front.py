"""What the servers serve: it answers `GET /`, and hands a request to the app that `X-Neighbour` names."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import Any

from flask import Flask

from tests.border.app import Neighbourhood


def front(neighbourhood: Neighbourhood) -> Flask:
    """An app that hands requests on as they came."""
    made = Flask(__name__)
    home = made.wsgi_app
    made.add_url_rule("/", "home", lambda: str(os.getpid()))

    def choose(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - the standard's own types
        neighbour = environ.get("HTTP_X_NEIGHBOUR")
        chosen = home if neighbour is None else neighbourhood.app(neighbour)
        return chosen(environ, start_response)

    made.wsgi_app = choose  # type: ignore[method-assign]  # Flask's documented way
    return made


logging.basicConfig(level="INFO")
app = front(Neighbourhood({"BORDER_FOLDER": os.environ["BORDER_FOLDER"]}))
