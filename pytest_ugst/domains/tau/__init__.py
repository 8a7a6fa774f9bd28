"""What the airline and the retail domain share: reading upstream's folders, sessions, and the score of the agent."""
