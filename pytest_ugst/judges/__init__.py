"""Judges: deterministic checks, a language model, or a function of the caller's own; and the decomposition of goals."""
