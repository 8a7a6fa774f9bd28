"""The pytest plugin: hooks, and what they delegate to."""
