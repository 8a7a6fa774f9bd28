"""Records and the law of statuses: goals, conversations, goal states, verdicts, episodes, and the protocols. No I/O."""
