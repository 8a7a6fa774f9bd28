"""Playing episodes: what is played and by whom, one rollout, and the scheduler of many."""
