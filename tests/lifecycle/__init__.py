"""Tests of `taskhandler/lifecycle/`."""
