"""The pure heart: goals, statuses and their law, conversations, episodes. No I/O."""
