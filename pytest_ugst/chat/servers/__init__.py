"""Model servers started for a run: vLLM, llama.cpp's server for GGUF files, ``transformers serve``."""

from __future__ import annotations

from pytest_ugst.chat.servers.park import ServerPark
from pytest_ugst.chat.servers.process import ServerError
from pytest_ugst.chat.servers.record import explain
from pytest_ugst.chat.servers.weights import Weights, find_weights

__all__ = ["ServerError", "ServerPark", "Weights", "explain", "find_weights"]
