"""Comparison of a run with a baseline, goal by goal."""
