"""The local queue, assembled and run in a thread of its own: the composition root of this folder."""

from __future__ import annotations

import asyncio
import random
import ssl
import threading
import time
from collections.abc import Callable, Collection, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from types import EllipsisType, TracebackType
from typing import Any, TypeVar

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

from taskhandler.devqueue import rpc
from taskhandler.devqueue.backoff import RetryPolicy
from taskhandler.devqueue.dispatch import Dispatcher
from taskhandler.devqueue.faults import Faults, TokenFault
from taskhandler.devqueue.http_access import Access
from taskhandler.devqueue.http_api import CERTS_PATH, HttpApi
from taskhandler.devqueue.http_server import HttpServer
from taskhandler.devqueue.listening import join_host_port, reachable_host, warn_if_exposed
from taskhandler.devqueue.names import check_queue
from taskhandler.devqueue.options import option_types, read_options
from taskhandler.devqueue.queues import Queues, RateLimits
from taskhandler.devqueue.task import Oidc
from taskhandler.devqueue.tokens import TokenIssuer

_T = TypeVar("_T")
_RATE_TYPES, _RETRY_TYPES = option_types(RateLimits), option_types(RetryPolicy)
_RPC_THREADS = 8


class LocalQueue:
    """Cloud Tasks on this machine, for as long as the `with` block lasts.

    Args:
        seed: decides the faults and the ids of unnamed tasks. None: chosen by the machine, see `stats()`.
            A fixed seed gives the same ids in every run, which a ledger that outlives the run takes for
            duplicates.
        host: the address to listen on. A warning is logged if other machines can reach it, since they
            can then get tokens for any account.
        port: the gRPC port; 0: a free one.
        http_port: the HTTP port (certificates, faults and other controls); 0: a free one.
        allow_hosts: host names that HTTP requests may use (in `Host`, without the port), in addition to
            `host` and the names and addresses of the loopback interface.
        tombstone_ttl: seconds for which the name of an ended task stays taken; the documentation of the real
            service says one hour in one place and "up to 24 hours" in another.
        certs_max_age: seconds for which receivers may keep the certificates.

    Raises:
        UsageError: one of `allow_hosts` is not a host name.

    Attributes:
        address: `host:port` of the gRPC side.
        http: URL of the HTTP side, without a slash at the end.
        certs_url: URL of the certificates, in the format of https://www.googleapis.com/oauth2/v1/certs.
    """

    address: str
    http: str
    certs_url: str

    def __init__(
        self,
        *,
        seed: int | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        http_port: int = 0,
        allow_hosts: Collection[str] = (),
        tombstone_ttl: float = 3600.0,
        certs_max_age: int = 21600,
    ) -> None:
        """See the class. Nothing listens before `start`."""
        self._host, self._port, self._http_port = host, port, http_port
        self._access = Access(host, allow_hosts)
        self._seed = seed if seed is not None else random.SystemRandom().getrandbits(32)
        self._certs_max_age = certs_max_age
        self._queues = Queues(tombstone_ttl=tombstone_ttl)
        self._channels: list[grpc.Channel] = []
        self._thread: threading.Thread | None = None

    def __enter__(self) -> LocalQueue:  # noqa: PYI034 - typing.Self is not in Python 3.10
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.close()

    def start(self) -> None:
        """Listen and dispatch. Raises OSError or RuntimeError if a port is taken."""
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="local-queue", daemon=True)
        self._thread.start()
        ready.result()
        try:
            self._listen()
        except BaseException:
            self._stop_loop()
            raise

    def close(self) -> None:
        """Stop dispatching and listening. Running requests are dropped, tasks are lost. Idempotent."""
        if self._thread is None:
            return
        for channel in self._channels:
            channel.close()
        self._server.stop(grace=None).wait()
        self._pool.shutdown()
        self._stop_loop()

    def client(self) -> tasks_v2.CloudTasksClient:
        """Return a real client that talks to this queue."""
        channel = grpc.insecure_channel(self.address)
        self._channels.append(channel)
        return tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))

    def create_queue(self, name: str, **config: float) -> str:
        """Create a queue and return its full name.

        Args:
            name: `projects/P/locations/L/queues/Q`, or the id alone, which is put under `projects/local`.
            config: any of `max_dispatches_per_second`, `max_concurrent_dispatches` (both may be larger than
                the API allows), `max_attempts`, `max_doublings`, and in seconds `max_retry_duration`,
                `min_backoff`, `max_backoff`.

        Raises:
            ApiError: the name is malformed, or such a queue exists.
            UsageError: `config` has another name, or a value out of range.
        """
        full = check_queue(name if "/" in name else f"projects/local/locations/local/queues/{name}")
        chosen = read_options("queue option", config, _RATE_TYPES | _RETRY_TYPES)
        limits = RateLimits(**{name: value for name, value in chosen.items() if name in _RATE_TYPES})
        retry = RetryPolicy(**{name: value for name, value in chosen.items() if name in _RETRY_TYPES})
        self._call(lambda: self._queues.create(full, limits, retry, time.time()))
        return full

    def faults(self, **faults: object) -> None:
        """Cause these faults from now on, instead of all earlier ones; see `Faults` for their names."""
        chosen = Faults.read(faults)
        self._call(lambda: setattr(self._dispatcher, "faults", chosen))

    def attempts(self, task_id: str | None = None) -> list[dict[str, object]]:
        """Return every request sent, for one task or for all: see `journal.Entry` for the keys."""
        return self._call(lambda: self._dispatcher.journal.attempts(task_id))

    def wait(self, timeout: float = 10.0) -> bool:
        """Wait until no task is being delivered, or due within `timeout` seconds from now.

        Tasks of paused queues and tasks due later do not count. Returns False if time ran out first.
        """
        return self._await(self._dispatcher.wait_until_quiet(timeout))

    def token(
        self,
        *,
        email: str,
        audience: str,
        fault: TokenFault | None = None,
        **claims: object | EllipsisType,
    ) -> str:
        """Return a new OIDC token, valid for an hour unless `fault` or `claims` say otherwise.

        `claims` replace the usual ones; `...` as a value removes a claim.
        """
        return self._call(lambda: self._issuer.token(Oidc(email, audience), fault=fault, claims=claims))

    def rotate(self) -> str:
        """Sign with a new key from now on and return its id; the previous one stays published."""
        return self._call(self._issuer.rotate)

    def stats(self) -> dict[str, object]:
        """Return the seed, the sums since the start, and the state of the queues."""
        return self._call(self._api.stats)

    def _run(self, ready: Future[None]) -> None:
        try:
            asyncio.run(self._live(ready))
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    async def _live(self, ready: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._issuer = TokenIssuer(now=time.time)
        self._dispatcher = Dispatcher(
            self._queues, issuer=self._issuer, seed=self._seed, now=time.time, tls=ssl.create_default_context
        )
        self._api = HttpApi(
            self._queues,
            self._dispatcher,
            self._issuer,
            access=self._access,
            seed=self._seed,
            certs_max_age=self._certs_max_age,
        )
        side = await asyncio.start_server(HttpServer(self._api.route).answer, self._host, self._http_port)
        self._bound, self._http_port = side.sockets[0].getsockname()[:2]
        self.http = f"http://{join_host_port(reachable_host(self._bound), self._http_port)}"
        self.certs_url = self.http + CERTS_PATH
        running = self._loop.create_task(self._dispatcher.run())
        ready.set_result(None)
        await self._stopped.wait()
        side.close()
        running.cancel()

    def _listen(self) -> None:
        chance = random.Random(self._seed)  # noqa: S311 - ids that repeat, nothing secret
        calls = rpc.CloudTasks(
            self._queues,
            self._dispatcher,
            now=time.time,
            system_id=lambda: f"{chance.randrange(10**20):020d}",
        )
        self._pool = ThreadPoolExecutor(_RPC_THREADS, thread_name_prefix="local-queue-rpc")
        # without so_reuseport=0 two queues on one port would share its callers
        self._server = grpc.server(self._pool, options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((rpc.make_handlers(calls, self._call),))
        port = self._server.add_insecure_port(join_host_port(self._host, self._port))
        self._server.start()
        self.address = join_host_port(reachable_host(self._host), port)
        warn_if_exposed(self._bound, grpc_port=port, http_port=self._http_port)

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        if self._thread is not None:
            self._thread.join()
        self._thread = None

    def _call(self, act: Callable[[], _T]) -> _T:
        async def acted() -> _T:
            return act()

        return self._await(acted())

    def _await(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
