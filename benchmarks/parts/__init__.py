"""What several benchmarks use: requests, servers and tokens."""
