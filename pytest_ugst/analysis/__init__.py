"""From episodes to answers: one package per question, and the tables and pages that show them."""
