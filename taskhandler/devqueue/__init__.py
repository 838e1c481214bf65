"""A local queue: the Cloud Tasks API over gRPC, real deliveries over HTTP, and faults on demand."""

from __future__ import annotations

from taskhandler.devqueue.errors import ApiError
from taskhandler.devqueue.faults import Faults
from taskhandler.devqueue.local import LocalQueue

__all__ = ["ApiError", "Faults", "LocalQueue"]
