"""The fault bench: real deliveries through real processes, broken on purpose, and judged from outside.

What stands on a stage (`stage.py`), in the order in which a delivery meets it:

    LocalQueue  ->  http_proxy.py  ->  gunicorn.py     ->  tcp_proxy.py     ->  SQLite or the Firestore
    the queue       breaks off         workers with        cuts, black holes,   emulator (emulator.py)
                    deliveries         app.py in them      delays (delay_line.py),
                                       (interference.py:   and relay.py, which
                                       hooks of the app)   answers calls itself

    beside it oracle.py, a process that writes down what the workers report (oracle_client.py), and that
    orders them to fail, wait or die at an exact place. Every operation on the ledger is reported by
    faulty_storage.py, which wraps the real storage. direct_deliveries.py delivers past the queue.

What is played there:

    scenarios_*.py    one story with a fault in it for each function; its docstring says what must happen
    scenario.py       the register of them
    play.py           what a scenario can do: make tasks, order faults, wait, state what must hold
    random_faults.py  faults at random places, and nemesis.py: at random moments; both for soak.py
    running.py        plays them, several stages at a time; __main__.py is `make faults`, soak.py `make soak`

How it is judged:

    history.py        what is known when a play is over: from the queue, the oracle (journal.py), the ledger
    checker.py        judges a history by checks_*.py, which know the invariants and nothing of the product
    timeline.py       what is printed of a play that is red
    sabotage*.py      the product with one guard taken out (weakened*.py): the bench must turn red for each

Where to start: read one scenario in `scenarios_deliveries.py`, then `play.py`, then `checks_ledger.py`. Play
one with `make faults ARGS='--only nothing-goes-wrong'`.
"""
