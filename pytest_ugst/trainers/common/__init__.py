"""The parts that all trainers share: base models, checkpoints, run folders, presets, tokens, launching."""
