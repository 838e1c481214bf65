"""`python -m taskhandler.devqueue`: a local queue until it is interrupted."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Annotated

from taskhandler.devqueue.errors import ApiError
from taskhandler.devqueue.local import LocalQueue
from taskhandler.devqueue.options import between, read_number
from taskhandler.errors import UsageError
from taskhandler.text import one_line

Port = Annotated[int, between(0, 65535, "an integer")]
_SHOWN_CHARACTERS = 500
_EPILOG = """\
When it is ready, it prints one line of JSON with its addresses: grpc, http, certs_url.
Connect a CloudTasksClient to the grpc address over an insecure channel. The HTTP side has:
GET /oauth2/v1/certs, /_/attempts, /_/stats, /_/wait?timeout=SECONDS;
POST /_/faults, /_/rotate, with the header "Content-Type: application/json".
It accepts requests to localhost, 127.0.0.1, ::1, --host and --allow-host, but none from web pages.
In a container, use --host 0.0.0.0 --allow-host NAME, and publish the ports to 127.0.0.1 only.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a local queue until SIGINT or SIGTERM and return the exit code, 0.

    Exits with 2 and a line on stderr if it cannot start.
    """
    parser = _make_parser()
    options = parser.parse_args(arguments)
    # not an Event: a signal that arrives while this thread begins to wait for it would deadlock
    signals = SimpleQueue[int]()
    with ExitStack() as stack:
        try:
            queue = stack.enter_context(_make_queue(options))
            for name in options.queue:
                queue.create_queue(name)
        # RuntimeError: gRPC's, if the port is taken
        except (ApiError, UsageError, OSError, RuntimeError) as error:
            parser.error(one_line(error, limit=_SHOWN_CHARACTERS))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda came, _: signals.put(came))
        ready = {"grpc": queue.address, "http": queue.http, "certs_url": queue.certs_url}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        signals.get()
    return 0


def _make_queue(options: argparse.Namespace) -> LocalQueue:
    return LocalQueue(
        seed=options.seed,
        host=options.host,
        port=options.port,
        http_port=options.http_port,
        allow_hosts=options.allow_host,
    )


def _parse_port(text: str) -> int:
    try:
        port: int = read_number("port", text, Port)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return port


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m taskhandler.devqueue",
        description="A local queue that speaks the Cloud Tasks API.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="one more host name that HTTP requests may use, such as a container's; can be repeated",
    )
    parser.add_argument("--port", type=_parse_port, default=0, help="gRPC port (default: a free one)")
    parser.add_argument("--http-port", type=_parse_port, default=0, help="HTTP port (default: a free one)")
    parser.add_argument(
        "--seed", type=int, help="repeat the faults of an earlier run, and the ids of its unnamed tasks"
    )
    parser.add_argument(
        "--queue",
        action="append",
        default=[],
        metavar="NAME",
        help="create this queue at the start: projects/P/locations/L/queues/Q; can be repeated",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
