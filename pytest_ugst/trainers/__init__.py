"""From steered conversations to trained simulators: data, SFT, GRPO. Needs the extra ``train``."""
