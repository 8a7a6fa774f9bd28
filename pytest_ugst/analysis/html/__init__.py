"""The page of a run: one self-contained HTML file in which its episodes can be read.

``docs/html_report.md`` describes its content and how it is built.
"""
