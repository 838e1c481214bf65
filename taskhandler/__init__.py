"""The receiving side of Google Cloud Tasks for Flask."""
