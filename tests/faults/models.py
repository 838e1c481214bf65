"""A handler whose payload pydantic checks, in a file of its own: only some stages pay for the import."""

from __future__ import annotations

import pydantic


class Item(pydantic.BaseModel):
    """One of many."""

    sku: str
    count: int


class Items(pydantic.BaseModel):
    """A payload that can be wrong in as many places as it has items, twice in each."""

    items: list[Item]


def ship(items: Items) -> int:
    """Count them."""
    return len(items.items)
