"""The shipped suites: each plays the goals of one benchmark, of the split ``test`` unless ``-m`` names another."""
