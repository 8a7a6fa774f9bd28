"""Success rates of simulators: how well they keep to their goals."""
