"""Distilled judges: training data from recorded verdicts, and judging again."""
