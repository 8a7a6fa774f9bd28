"""``ugst annotate``: a person sets the statuses of a run's goals, on a web page that only this machine can reach."""
