"""Access to language models: one async interface over the OpenAI chat completions API, and the servers it needs."""
