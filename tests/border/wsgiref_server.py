"""Python's own WSGI server: it decodes no chunks, ends no body, and says neither."""

from __future__ import annotations

import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

from tests.border.dispatcher import app


class ThreadingServer(ThreadingMixIn, WSGIServer):
    """Serves each connection in a thread, as everything that serves handlers must."""

    daemon_threads = True


if __name__ == "__main__":
    with make_server("127.0.0.1", int(sys.argv[1]), app, ThreadingServer) as server:
        server.serve_forever()
