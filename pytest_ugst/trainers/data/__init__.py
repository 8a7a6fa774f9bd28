"""Training data: from steered conversations to a data folder."""
