"""A gRPC server that hands every call on to another one, counts them, and answers some of them itself."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types

THREADS = 32
HELD_SECONDS = 60.0
"""Seconds after which a call that is held goes on, should the test have forgotten it."""

_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_OF_THE_CONNECTION = ("user-agent", "grpc-", "te")


class Relay(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpcio ships no types
    """Listens on a free port of this machine; use it as a context.

    Args:
        upstream: host and port of the server that the calls are handed to.

    Attributes:
        calls: how often each method was called, by the last part of its name.
        metadata: what came with the last call.
    """

    def __init__(self, upstream: str) -> None:
        self.calls: Counter[str] = Counter()
        self._counting = threading.Lock()
        self.metadata: dict[str, str] = {}
        self.address = ""
        self._answers: list[tuple[str, grpc.StatusCode, str]] = []
        self._held: dict[str, threading.Event] = {}
        self._far = grpc.insecure_channel(upstream, options=_UNLIMITED)
        self._server = grpc.server(ThreadPoolExecutor(THREADS), options=_UNLIMITED)
        self._server.add_generic_rpc_handlers((self,))

    def answer(self, method: str, code: str, *, details: str = "said by the test", times: int = 1) -> None:
        """Let the next `times` calls of a method be answered with a status code, and not be handed on."""
        self._answers += [(method, grpc.StatusCode[code], details)] * times

    def hold(self, method: str, until: threading.Event) -> None:
        """Let no call of a method go on before `until` is set."""
        self._held[method] = until

    def service(self, handler_call_details: Any) -> Any:  # noqa: ANN401 - grpcio ships no types
        """Take any call (what gRPC asks a handler for)."""
        method = handler_call_details.method
        name = method.rpartition("/")[2]

        def handle(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:  # noqa: ANN401 - the same
            with self._counting:
                self.calls[name] += 1
            self.metadata = dict(context.invocation_metadata())
            if name in self._held:
                self._held[name].wait(HELD_SECONDS)
            for answer in self._answers:
                if answer[0] == name:
                    self._answers.remove(answer)
                    context.abort(answer[1], answer[2])
            yield from self._handed_on(method, list(requests), context)

        return grpc.stream_stream_rpc_method_handler(handle)

    def listen(self, server: grpc.Server) -> int:
        """Have the server listen; its port."""
        return int(server.add_insecure_port("127.0.0.1:0"))

    def __enter__(self) -> Relay:  # noqa: PYI034 - Self is not in Python 3.10
        """Begin to listen."""
        self.address = f"127.0.0.1:{self.listen(self._server)}"
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._server.stop(0).wait(10)
        self._far.close()

    def _handed_on(self, method: str, requests: list[bytes], context: Any) -> Iterator[bytes]:  # noqa: ANN401 - the same
        metadata = [
            each for each in context.invocation_metadata() if not each[0].startswith(_OF_THE_CONNECTION)
        ]
        try:
            yield from self._far.stream_stream(method)(iter(requests), metadata=metadata, timeout=10)
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())
