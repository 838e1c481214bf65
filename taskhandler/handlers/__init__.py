"""The users' functions: what they are given, and what they return."""
