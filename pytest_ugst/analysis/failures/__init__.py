"""Failure patterns of simulators, and whose fault a failed task is."""
