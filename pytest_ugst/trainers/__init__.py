"""Training of simulators and judges: data from steered conversations, SFT, GRPO. Needs the extra ``train``."""
