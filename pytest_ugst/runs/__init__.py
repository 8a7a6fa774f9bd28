"""Runs on disk: the folder, its journal, the outcomes that count, and the reader of runs that were played."""
