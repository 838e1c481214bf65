"""Tests of `taskhandler/delivery/`."""
