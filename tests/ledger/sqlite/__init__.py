"""Tests of `taskhandler/ledger/sqlite/`."""
