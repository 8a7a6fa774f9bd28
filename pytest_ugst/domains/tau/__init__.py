"""The airline and retail domains of tau-bench and tau2-bench: data, tools, goals, sessions and scores."""
