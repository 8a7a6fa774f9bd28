"""Comparing a run with a baseline, goal by goal."""
