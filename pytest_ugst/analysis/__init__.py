"""Analysis of the episodes of runs: one package per question, and the tables and pages that show the answers."""
