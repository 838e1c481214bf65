"""A local queue: the Cloud Tasks API over gRPC, real deliveries over HTTP, and faults on demand."""

from __future__ import annotations

from taskhandler.devqueue.faults import Faults
from taskhandler.devqueue.local import LocalQueue
from taskhandler.devqueue.refusals import Refused

__all__ = ["Faults", "LocalQueue", "Refused"]
