"""Every order of events of a few deliveries of one task, over the rules and the loop that ship.

Read `state` (what the world is), `story` (what a delivery does), `world` (what a ledger may answer, and what
may happen to it), `effects` (what that means to the other deliveries), `invariants` (what must hold) and
`search` (how all of it is walked: over a `graph`, in which `folding` makes worlds that are the same one).
Then read `weakened`: it puts weakened pieces in the place of those that ship (`ways` names them), to prove
that the search can see.
"""
