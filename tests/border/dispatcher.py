"""What the servers serve: it answers `GET /`, and hands a request to the app that `X-Customization` names."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import Any

from flask import Flask

from tests.border.app import CustomizedApps


def dispatcher(apps: CustomizedApps) -> Flask:
    """An app that hands requests on as they came."""
    made = Flask(__name__)
    home = made.wsgi_app
    made.add_url_rule("/", "home", lambda: str(os.getpid()))

    def choose(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - the standard's own types
        customization = environ.get("HTTP_X_CUSTOMIZATION")
        chosen = home if customization is None else apps.app(customization)
        return chosen(environ, start_response)

    made.wsgi_app = choose  # type: ignore[method-assign]  # Flask's documented way
    return made


logging.basicConfig(level="INFO")
app = dispatcher(CustomizedApps({"BORDER_FOLDER": os.environ["BORDER_FOLDER"]}))
