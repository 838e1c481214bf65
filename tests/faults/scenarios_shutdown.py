"""shutdown."""
