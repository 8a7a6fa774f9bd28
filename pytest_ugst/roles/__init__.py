"""From names to roles: the resolver, what roles can play and judge, the built-ins, work outside of a test run."""
