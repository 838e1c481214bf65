"""Every order of events of a few deliveries of one task, over the law and the loop that ship.

Read `state` (what the world is), `story` (what a delivery does), `world` (what a ledger and fate may do),
`invariants` (what must hold), `search` (how all of it is walked); then `weakened`, which proves that the
search can see.
"""
