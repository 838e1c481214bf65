"""What Sentry is sent about deliveries: its own Flask integration, with a transport that only collects."""

from __future__ import annotations

import logging

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.flask import FlaskIntegration
from sentry_sdk.transport import Transport

from tests.border.programs.deliveries import deliver_each, say, watched_app


class Collecting(Transport):
    """Keeps what it is to send."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        super().__init__()
        self.kept: list[Envelope] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep it."""
        self.kept.append(envelope)


if __name__ == "__main__":
    logging.basicConfig(level="INFO")
    transport = Collecting()
    sentry_sdk.init(dsn="http://key@127.0.0.1:1/1", transport=transport, integrations=[FlaskIntegration()])
    deliver_each(watched_app())
    events = [event for envelope in transport.kept if (event := envelope.get_event()) is not None]
    say(
        [
            [event.get("transaction", ""), [each["type"] for each in event["exception"]["values"]]]
            for event in events
        ]
    )
