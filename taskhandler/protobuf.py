"""The type of protobuf messages, for the ledger in Firestore and for the local queue."""

from __future__ import annotations

from typing import Any

Message = Any
"""A protobuf message, or a map or a value within one: to a type checker they have no fields."""
