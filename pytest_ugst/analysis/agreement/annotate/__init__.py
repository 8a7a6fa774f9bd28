"""``ugst annotate``: a web page for this machine only on which a person sets the statuses of the goals of a run."""
