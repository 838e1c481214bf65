"""Tests of `taskhandler/handlers/`."""
