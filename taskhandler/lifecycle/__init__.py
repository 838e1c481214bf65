"""The state machine: which delivery may run a task, and what may be written down. Pure."""
