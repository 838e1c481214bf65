"""Each group of tests of the contract fails the storages that break it."""
