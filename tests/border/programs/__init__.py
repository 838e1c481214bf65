"""Programs for what changes a process for good: error trackers and tracers patch Flask itself."""
