"""How users speak: naturalness, coherence, diversity, similarity with the goal."""
