"""Agreement between annotators of goal states: people, judges, checks."""
