"""Example: a domain of your own, with tools, data, a policy and scores."""
