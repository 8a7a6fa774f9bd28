"""The reward of a sampled turn or conversation."""
