"""The ledger: one contract for every storage, and what each of them promises beyond it."""
