"""Where the time of a net goes, layer by layer: torch's profiler and its text."""
