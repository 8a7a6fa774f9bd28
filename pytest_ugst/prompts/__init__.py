"""The prompts of the roles that are played by language models: text files beside this module, and their loader."""
