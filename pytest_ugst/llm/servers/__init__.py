"""Model servers started for a run: vLLM, llama.cpp's server for GGUF files, ``transformers serve``."""

from __future__ import annotations

from pytest_ugst.llm.servers.pool import ServerPark
from pytest_ugst.llm.servers.process import ServerError
from pytest_ugst.llm.servers.status_file import explain
from pytest_ugst.llm.servers.weights import Weights, find_weights

__all__ = ["ServerError", "ServerPark", "Weights", "explain", "find_weights"]
