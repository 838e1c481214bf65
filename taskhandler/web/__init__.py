"""Where Flask and the process end: the blueprint, the guard around the app, and the assembly."""
