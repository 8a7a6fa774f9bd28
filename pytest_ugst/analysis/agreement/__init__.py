"""Agreement between those who label goal states: people, judges, checks."""
