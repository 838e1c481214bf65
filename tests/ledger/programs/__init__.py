"""Programs that the tests of the ledger start, fork and kill."""
