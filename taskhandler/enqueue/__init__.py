"""Creates tasks for handlers."""
