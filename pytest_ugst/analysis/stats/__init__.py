"""Statistics that several questions share: bootstrap, paired differences, means, pass^k."""
