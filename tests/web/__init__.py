"""Tests of `taskhandler/web/`."""
