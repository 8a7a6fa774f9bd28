"""What the trainers share: base models, checkpoints, presets, tokens, launching."""
