"""Each server of the matrix is started once in a process of the tests, when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.auth.issuer import Publisher
from tests.border.served import Served
from tests.border.servers import Server, require

Serve = Callable[[Server], Served]


@pytest.fixture(scope="session")
def publisher() -> Iterator[Publisher]:
    with Publisher() as publisher:
        yield publisher


@pytest.fixture(scope="session")
def running(publisher: Publisher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Hands out the one running server of a kind."""
    with ExitStack() as stack:
        started: dict[str, Served] = {}

        def serve(server: Server) -> Served:
            require(server)
            if server.name not in started:
                made = Served(server, tmp_path_factory.mktemp("served"), publisher)
                started[server.name] = stack.enter_context(made)
            return started[server.name]

        yield serve


@pytest.fixture
def fresh(publisher: Publisher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Starts a server that this test may stop."""
    with ExitStack() as stack:

        def serve(server: Server) -> Served:
            require(server)
            return stack.enter_context(Served(server, tmp_path_factory.mktemp("fresh"), publisher))

        yield serve
