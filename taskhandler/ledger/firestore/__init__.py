"""The production ledger: a Firestore collection."""
