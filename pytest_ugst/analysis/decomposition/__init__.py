"""Goal state generation: the match of generated sub-components with those of a person."""
