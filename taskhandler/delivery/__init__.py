"""The story of one delivery: read `receiver` first."""
