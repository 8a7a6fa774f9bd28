"""The public functions beside the records: simulate, judge, and runs as objects, without pytest."""
