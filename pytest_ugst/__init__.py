"""Measure, gate and train LLM user simulators with User Goal State Tracking (UGST)."""

__version__ = "0.1.0"
