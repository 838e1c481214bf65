"""The ledger of one machine: an SQLite file."""
