"""The shipped suites: each plays the goals of one benchmark."""
