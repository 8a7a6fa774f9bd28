"""The page of a run: one self-contained HTML file in which its episodes can be read.

See ``docs/html_report.md`` for what it shows and how it is made.
"""
