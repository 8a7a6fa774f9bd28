"""Example: test an agent of your own with simulated users."""
