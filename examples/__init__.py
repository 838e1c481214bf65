"""What can be done with taskhandler."""
