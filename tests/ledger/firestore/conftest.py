"""A ledger in Firestore, behind a relay that can answer calls by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.relay import Relay
from tests.ledger.emulator import shared_address
from tests.ledger.firestore.cloud import Cloud, emulated_cloud


@pytest.fixture
def relay() -> Iterator[Relay]:
    with Relay(shared_address()) as running:
        yield running


@pytest.fixture
def relayed(relay: Relay) -> Iterator[Cloud]:
    with emulated_cloud(relay.address) as opened:
        yield opened
