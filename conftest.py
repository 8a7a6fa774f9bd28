"""For this project's own tests: pytest's tool for testing plugins."""

pytest_plugins = ["pytester"]
