"""Options and their values, and where data and shipped files are found."""
