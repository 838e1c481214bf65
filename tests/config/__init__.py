"""Tests of `taskhandler/config/`."""
