"""Processes that use a storage beside the tests of the contract, and how to start them."""
