"""Success rates: how well simulators stay with their goals."""
