"""The resolution of names to roles: the resolver, capabilities, built-ins, work outside of a test run."""
