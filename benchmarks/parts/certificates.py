"""An address of certificates that answers until it is told to hang."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Certificates:
    """What it answers, and whether it does.

    Args:
        body: in Google's format.

    Attributes:
        asked: how often it was.
        hanging: whether who asks is kept waiting.
    """

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.asked = 0
        self.hanging = False
        self.over = threading.Event()


@contextmanager
def published(certificates: Certificates) -> Iterator[str]:
    """The URL, while the `with` block lasts."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            certificates.asked += 1
            if certificates.hanging:
                certificates.over.wait()
                return
            with suppress(OSError):
                self.send_response(200)
                self.send_header("Cache-Control", "public, max-age=21000")
                self.end_headers()
                self.wfile.write(certificates.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/certs"
    finally:
        certificates.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
