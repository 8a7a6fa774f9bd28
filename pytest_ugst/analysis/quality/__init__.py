"""Quality of simulated users' language: naturalness, coherence, diversity, similarity with the goal."""
