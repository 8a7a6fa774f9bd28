"""Supervised fine-tuning on reasoning and utterances."""
