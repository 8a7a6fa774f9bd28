"""What playing and judging cost."""
