"""Runs on disk: the folder, its journal, its results, and reading them again."""
