"""The fault bench: real deliveries through real processes, broken on purpose, and judged from outside.

What stands on a stage (`stage.py`), in the order in which a delivery meets it:

    LocalQueue  ->  door.py        ->  gunicorn.py     ->  proxy.py         ->  SQLite or the Firestore
    the queue       an HTTP proxy      workers with        a TCP proxy: cuts,   emulator (emulator.py)
                    that breaks off    app.py in them      black holes, delays
                    deliveries         (interference.py:   (delay_line.py); and
                                       an app against      relay.py, which answers
                                       itself)             calls by itself

    and beside it oracle.py, a process that the workers tell everything through witness.py and haunted.py
    (a storage around the ledger's), and that orders them to fail, wait or die at an exact place.

What a play is:

    scenarios_*.py  stories with a fault in them; each says in its docstring what must come of it
    scenario.py     the register of them
    play.py         what a story can do: make tasks, order faults, wait, claim
    nemesis.py      faults at moments that a seed decides, for soak.py
    history.py      what is known when it is over: from the queue, the oracle and the ledger
    checker.py      judges a history by checks_*.py, which know the invariants and nothing of the product
    sabotage*.py    the product with one guard taken out: the bench must turn red for each
    running.py      plays them, some stages at a time; __main__.py is `make faults`

Where to start: read one story in `scenarios_deliveries.py`, then `play.py`, then `checks_ledger.py`. Play one
with `make faults ARGS='--only nothing-goes-wrong'`; what is red prints its whole timeline.
"""
