"""GRPO with rewards from user goal state tracking."""
