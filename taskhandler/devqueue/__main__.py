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
One line of JSON on stdout says when it is ready and where: grpc, http, certs_url.
Talk to it with a CloudTasksClient over an insecure channel to the grpc address. On the HTTP side:
GET /oauth2/v1/certs, /_/attempts, /_/stats, /_/wait?timeout=SECONDS;
POST /_/faults, /_/rotate, with the header "Content-Type: application/json".
It answers programs under the names of this machine (localhost, 127.0.0.1, ::1, --host, --allow-host), and no
web pages. In a container: --host 0.0.0.0 --allow-host NAME, its ports published to 127.0.0.1 only.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a local queue until SIGINT or SIGTERM and return the exit code, 0.

    Exits with 2 and a line on stderr if it cannot start.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    # not an Event: a signal that comes while its own thread begins to wait for it would wait for ever
    signals = SimpleQueue[int]()
    with ExitStack() as stack:
        try:
            queue = stack.enter_context(_queue(options))
            for name in options.queue:
                queue.create_queue(name)
        except (
            ApiError,
            UsageError,
            OSError,
            RuntimeError,
        ) as error:  # RuntimeError: gRPC's, of a taken port
            parser.error(one_line(error, limit=_SHOWN_CHARACTERS))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda came, _: signals.put(came))
        ready = {"grpc": queue.address, "http": queue.http, "certs_url": queue.certs_url}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        signals.get()
    return 0


def _queue(options: argparse.Namespace) -> LocalQueue:
    return LocalQueue(
        seed=options.seed,
        host=options.host,
        port=options.port,
        http_port=options.http_port,
        allow_hosts=options.allow_host,
    )


def _port(text: str) -> int:
    try:
        port: int = read_number("port", text, Port)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return port


def _parser() -> argparse.ArgumentParser:
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
        help="answer HTTP requests under this name too, as that of a container; may be given again",
    )
    parser.add_argument("--port", type=_port, default=0, help="gRPC port (default: a free one)")
    parser.add_argument("--http-port", type=_port, default=0, help="HTTP port (default: a free one)")
    parser.add_argument("--seed", type=int, help="repeat the faults, and the ids of unnamed tasks, of a run")
    parser.add_argument(
        "--queue",
        action="append",
        default=[],
        metavar="NAME",
        help="make this queue at the start: projects/P/locations/L/queues/Q; may be given again",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
