"""How well generated sub-components match those of a person."""
