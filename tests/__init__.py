"""What taskhandler promises, claim by claim."""
