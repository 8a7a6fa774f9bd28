"""Training data, built from steered conversations."""
