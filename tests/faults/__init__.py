"""Ways for a network to go wrong, and tests that they do."""
