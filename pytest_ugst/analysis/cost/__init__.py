"""The cost of playing and judging."""
