"""Options and their values, and the folders of benchmark data and of shipped files."""
