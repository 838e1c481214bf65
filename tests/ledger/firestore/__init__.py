"""Tests of `taskhandler/ledger/firestore/`."""
