"""The ledger: what is remembered of every task, and where."""
