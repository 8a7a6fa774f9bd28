"""Tools without a subject of their own: files, JSON streams, progress, calls of user functions, concurrency."""
