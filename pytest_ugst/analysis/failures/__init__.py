"""Failure patterns of simulators, and the attribution of failed tasks to simulator or agent."""
