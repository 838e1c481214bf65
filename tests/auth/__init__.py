"""Tests of `taskhandler/auth/`."""
