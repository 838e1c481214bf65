"""What taskhandler promises, claim by claim.

    auth/ … web/     the package's own rooms: `taskhandler/room/x.py` is tested by `tests/room/test_x.py` and
                     `test_x_*.py` (mirror.py); what several tests of a room use stands beside them
    testing/         the contract of a storage that is shipped, put to right and to wrong storages
    lifecycle/, exploration/   the state machine by example, and in every order of events
    serving/         the whole service under gunicorn: promises, kills, drains, bytes on the wire
    border/          a task beside an app's own hooks and extensions, under every server
    faults/          the fault bench: `make faults` and `make soak`; its `__init__.py` has a map
    examples/, recordings/     tests of the examples; answers of the real Cloud Tasks
    test_*.py here   the files on the package's ground floor, and what is about the whole: shape, imports,
                     pure files (pure.py), messages, pages (pages.py), packaging, benchmarks

Start with `delivery/test_receiver.py`: each outcome of a delivery, with what the ledger holds afterwards.
"""
