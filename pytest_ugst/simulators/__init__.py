"""User simulators: played by a language model, by rules, or by a function of the caller's own."""
