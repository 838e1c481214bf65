"""What the budgets are about, measured: each file is run by `python -m benchmarks.<name>`."""
