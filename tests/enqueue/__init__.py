"""Tests of `taskhandler/enqueue/`."""
