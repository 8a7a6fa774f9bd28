"""Agents: played by a language model, by rules, by an HTTP endpoint, or by a function of the caller's own."""
