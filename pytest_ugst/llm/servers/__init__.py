"""Model servers that are started for a run: vLLM, llama.cpp's server for GGUF files, ``transformers serve``."""

from __future__ import annotations

from pytest_ugst.llm.servers.pool import ServerPool
from pytest_ugst.llm.servers.process import ServerError
from pytest_ugst.llm.servers.status_file import explain
from pytest_ugst.llm.servers.weights import ModelWeights, find_weights

__all__ = ["ModelWeights", "ServerError", "ServerPool", "explain", "find_weights"]
