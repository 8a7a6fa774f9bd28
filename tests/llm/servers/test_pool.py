"""Servers of a run, with a stand-in for the ``vllm`` executable: started, shared, watched, and ended in every case."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.model_spec import ModelSpec, ServeOptions
from pytest_ugst.llm.servers import ServerError, ServerPool, explain, pool
from pytest_ugst.llm.servers import process as process_module

STAND_IN = Path(__file__).with_name("stand_in_vllm.py")
PATIENCE = 20.0

MakePool = Callable[..., ServerPool]


def executable(path: Path, python: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(python, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def stand_in(path: Path) -> Path:
    return executable(path, f"#!{sys.executable}\n" + STAND_IN.read_text(encoding="utf-8"))


def checkpoint(path: Path, weights: bytes = b"weights", template: str | None = "{{ messages }}") -> Path:
    path.mkdir(parents=True)
    numbers = {"hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2, "max_position_embeddings": 2048}
    (path / "config.json").write_text(json.dumps(numbers))
    (path / "model.safetensors").write_bytes(weights)
    (path / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    return path


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often whether a server is ready: a stand-in is so at once."""
    monkeypatch.setattr(pool, "_POLL", 0.01)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return checkpoint(tmp_path / "checkpoint-350")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    vllm = stand_in(tmp_path / "bin" / "vllm")
    return {"PATH": os.environ["PATH"], "UGST_VLLM": str(vllm), "STAND_IN_PIDS": str(tmp_path / "pids")}


@pytest.fixture
def make_pool(tmp_path: Path, environ: dict[str, str]) -> Iterator[MakePool]:
    with contextlib.ExitStack() as stack:

        def make(behaviour: str = "", **options: Any) -> ServerPool:
            options = {"grace": 0.5, **options}
            return stack.enter_context(
                ServerPool(tmp_path / "run", environ={**environ, "STAND_IN": behaviour}, **options)
            )

        yield make


def spec(model: Path, name: str = "mine", **serve: Any) -> ModelSpec:
    return ModelSpec(name=name, model=str(model), serve=ServeOptions(engine="vllm", **serve))


def get(served: ModelSpec, path: str = "/models", key: str | None = None, method: str = "GET") -> Any:
    assert served.api_key is not None
    key = served.api_key.get_secret_value() if key is None else key
    headers = {"Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{served.base_url}{path}", headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return json.load(response)


def pids(tmp_path: Path, count: int) -> list[int]:
    """Process ids that stand-ins wrote down, once there are that many."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            found = (tmp_path / "pids").read_text().split()
            if len(found) >= count:
                return [int(pid) for pid in found]
        time.sleep(0.02)
    raise AssertionError(f"fewer than {count} servers started")


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def all_gone(processes: list[int]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while any(runs(pid) for pid in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_server_is_waited_for_and_handed_over(make_pool: MakePool, weights: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    mine = spec(weights, context=1024, parallel=3, args=("--seed", "7"))
    with make_pool("delay=0.3", notify=lines.append) as servers:
        served = servers.start(mine)
        assert served.base_url is not None
        assert served.base_url.startswith("http://127.0.0.1:")
        assert served.model.startswith("checkpoint-350-")
        assert served.concurrency == 3
        answer = get(served)
        assert answer["data"] == [{"id": served.model}]
        argv = answer["argv"]
        assert argv[:2] == ["serve", str(weights)]
        for pair in (["--host", "127.0.0.1"], ["--max-model-len", "1024"], ["--max-num-seqs", "3"], ["--seed", "7"]):
            assert pair == argv[argv.index(pair[0]) :][:2]
        assert argv[-2:] == ["--seed", "7"]
        assert servers.explain(served.base_url) is None
        (pid,) = pids(tmp_path, 1)
        assert runs(pid)
    assert all_gone([pid])
    assert "starting the vllm server for mine" in lines[0]
    assert "is ready after" in lines[1]
    assert "stopped by the run" in (explain(tmp_path / "run", served.base_url) or "")


def test_the_key_is_random_needed_and_written_nowhere(make_pool: MakePool, weights: Path, tmp_path: Path) -> None:
    servers = make_pool()
    one, two = servers.start_all([spec(weights), spec(weights, context=512)])
    assert one.api_key is not None
    assert two.api_key is not None
    key = one.api_key.get_secret_value()
    assert key != two.api_key.get_secret_value()
    with pytest.raises(urllib.error.HTTPError, match="401"):
        get(one, key="guess")
    assert key not in repr(one) + one.model_dump_json()
    assert not any(key in argument for argument in get(one)["argv"])
    written = [file for file in (tmp_path / "run").rglob("*") if file.is_file()]
    assert written
    assert not any(key in file.read_text() for file in written)


def test_equal_weights_and_settings_share_a_server(make_pool: MakePool, weights: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    servers = make_pool("delay=0.3", notify=lines.append)
    other = checkpoint(tmp_path / "other" / "checkpoint-350", weights=b"trained on")
    a, b, c, d = servers.start_all(
        [spec(weights, "a"), spec(weights, "b"), spec(weights, "c", context=512), spec(other, "d")]
    )
    assert (a.base_url, a.model, a.name) == (b.base_url, b.model, "a")
    assert b.name == "b"
    assert len({a.base_url, c.base_url, d.base_url}) == 3
    assert len({a.model, c.model, d.model}) == 3
    assert servers.start(spec(weights, "late")).base_url == a.base_url
    assert len(pids(tmp_path, 3)) == 3
    # Side by side: all are started before the first is ready.
    assert [line.startswith("starting") for line in lines] == [True] * 3 + [False] * 3


def test_the_name_of_a_model_depends_on_the_weights_alone_not_on_the_place(
    make_pool: MakePool, weights: Path, tmp_path: Path
) -> None:
    first = make_pool().start(spec(weights))
    moved = checkpoint(tmp_path / "elsewhere" / "checkpoint-350")
    second = ServerPool(tmp_path / "run2", environ={"UGST_VLLM": str(tmp_path / "bin" / "vllm")}, grace=0.5)
    with second:
        assert second.start(spec(moved)).model == first.model


def test_a_hosted_model_passes_through(make_pool: MakePool) -> None:
    hosted = ModelSpec(name="big", model="big-1", base_url="https://models.example/v1", api_key_env="KEY")
    assert make_pool().start(hosted) is hosted


def test_a_server_that_dies_at_the_start(make_pool: MakePool, weights: Path, tmp_path: Path) -> None:
    servers = make_pool("die=0.1")
    with pytest.raises(ServerError) as caught:
        servers.start(spec(weights))
    text = str(caught.value)
    assert "vllm server for mine ended with exit code 3 before it was ready" in text
    assert "RuntimeError: the stand-in was told to die" in text
    assert str(tmp_path / "run" / "servers" / "mine.log") in text


def test_one_that_fails_takes_the_others_of_its_call_along(
    make_pool: MakePool, weights: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    servers = make_pool("")
    kept = servers.start(spec(weights, "kept"))
    broken = executable(tmp_path / "bin" / "broken", f"#!{sys.executable}\nimport time; time.sleep(0.3); exit(1)\n")
    servers._environ["STAND_IN"] = "deaf"
    deaf = spec(weights, "deaf", context=512)
    servers._environ["UGST_TRANSFORMERS"] = str(broken)
    dying = ModelSpec(name="dying", model=str(weights), serve=ServeOptions(engine="transformers"))
    with pytest.raises(ServerError, match="server for dying ended with exit code 1"):
        servers.start_all([deaf, dying])
    first, second = pids(tmp_path, 2)
    assert all_gone([second])
    assert runs(first)
    assert get(kept)["data"]


def test_a_server_that_never_gets_ready(make_pool: MakePool, weights: Path, tmp_path: Path) -> None:
    servers = make_pool("deaf")
    with pytest.raises(
        ServerError, match=r"was not ready after 0.6 s \(serve.startup_timeout\); the end of .*mine.log"
    ):
        servers.start(spec(weights, startup_timeout=0.6))
    assert all_gone(pids(tmp_path, 1))


def test_a_stranger_at_the_port_is_not_taken_for_the_server(make_pool: MakePool, weights: Path) -> None:
    with pytest.raises(ServerError, match="not ready"):
        make_pool("other").start(spec(weights, startup_timeout=0.6))


def test_a_port_that_was_lost_is_replaced(make_pool: MakePool, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    servers = make_pool()
    first = servers.start(spec(weights))
    free = process_module._free_port
    assert first.base_url is not None
    offered = [int(first.base_url.split(":")[2].split("/")[0]), free()]
    monkeypatch.setattr(process_module, "_free_port", lambda: offered.pop(0))
    second = servers.start(spec(weights, context=512))
    assert not offered
    assert get(second)["data"] != get(first)["data"]


def test_a_server_that_ignores_sigterm_is_killed(make_pool: MakePool, weights: Path, tmp_path: Path) -> None:
    with make_pool("stubborn", grace=0.3) as servers:
        served = servers.start(spec(weights))
    assert all_gone(pids(tmp_path, 1))
    assert json.loads((tmp_path / "run" / "servers" / "mine.exit.json").read_text())["exit"] == -signal.SIGKILL
    assert servers.explain(served.base_url or "") is not None


def test_the_description_of_a_server_keeps_its_keys(make_pool: MakePool, weights: Path, tmp_path: Path) -> None:
    """A resumed run, and programs that read the run's folder, find the keys that version 0.1.0 wrote."""
    make_pool().start(spec(weights))
    written = json.loads((tmp_path / "run" / "servers" / "mine.json").read_text())
    assert list(written) == ["name", "engine", "model", "base_url", "log", "log_start", "warden"]
    assert runs(written["warden"])


def test_what_a_server_started_ends_with_it(make_pool: MakePool, weights: Path, tmp_path: Path) -> None:
    with make_pool("child") as servers:
        servers.start(spec(weights))
        both = pids(tmp_path, 2)
        assert all(runs(pid) for pid in both)
    assert all_gone(both)


def test_a_server_that_dies_in_the_run_is_explained(make_pool: MakePool, weights: Path, tmp_path: Path) -> None:
    servers = make_pool("child")
    served = servers.start(spec(weights))
    assert served.base_url is not None
    with contextlib.suppress(OSError):
        urllib.request.urlopen(served.base_url.removesuffix("/v1") + "/die", data=b"", timeout=PATIENCE)
    text = explain(tmp_path / "run", served.base_url + "/")
    assert text is not None
    assert "the vllm server for mine ended with exit code 5" in text
    assert "about to die of a planned cause" in text
    assert explain(tmp_path / "run", "http://127.0.0.1:1/v1") is None
    assert explain(tmp_path / "no run", served.base_url) is None
    assert all_gone(pids(tmp_path, 2))


def test_a_server_that_is_killed_is_explained(make_pool: MakePool, weights: Path, tmp_path: Path) -> None:
    servers = make_pool()
    served = servers.start(spec(weights))
    (pid,) = pids(tmp_path, 1)
    os.kill(pid, signal.SIGKILL)
    assert all_gone([pid])
    assert "was killed by SIGKILL (out of memory?)" in (servers.explain(served.base_url or "") or "")


def test_a_server_does_not_outlive_its_supervisor(make_pool: MakePool, weights: Path, tmp_path: Path) -> None:
    servers = make_pool()
    served = servers.start(spec(weights))
    (server,) = servers._servers.values()
    os.kill(server.supervisor.pid, signal.SIGKILL)
    server.supervisor.wait()
    assert all_gone(pids(tmp_path, 1))
    assert "its process is gone" in (servers.explain(served.base_url or "") or "")


CONTROLLER = """
import os, signal, sys, time
from pathlib import Path
from pytest_ugst.llm.servers import ServerPool
from pytest_ugst.llm.model_spec import ModelSpec, ServeOptions
run, weights, how = sys.argv[1:]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has it ignored in what runs behind it
servers = ServerPool(Path(run), grace=0.5)
try:
    servers.start(ModelSpec(name="mine", model=weights, serve=ServeOptions(engine="vllm")))
    if how == "fork" and os.fork() == 0:
        os.closerange(0, 3)
        time.sleep(30)
    print("ready", flush=True)
    if how != "leave":
        time.sleep(60)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    raise
"""


@pytest.mark.parametrize(
    "how",
    [
        "kill",
        "interrupt",
        "interrupt_start",
        *(pytest.param(how, marks=pytest.mark.slow) for how in ("fork", "terminate", "leave")),
    ],
)
def test_no_server_outlives_the_process_that_started_it(
    how: str, weights: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    behaviour = "child deaf" if how == "interrupt_start" else "child stubborn"
    controller = subprocess.Popen(
        [sys.executable, "-c", CONTROLLER, str(tmp_path / "run"), str(weights), how],
        env={**environ, "STAND_IN": behaviour},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert controller.stdout is not None
    try:
        processes = pids(tmp_path, 2)
        if how != "interrupt_start":
            assert controller.stdout.readline() == "ready\n"
            if how != "leave":
                assert all(runs(pid) for pid in processes)
        if how in ("kill", "fork"):
            controller.kill()
        elif how == "terminate":
            controller.terminate()
        elif how != "leave":
            os.killpg(controller.pid, signal.SIGINT)
        controller.wait(PATIENCE)
        if how.startswith("interrupt"):
            assert controller.stdout.read() == "interrupted\n"
        assert all_gone(processes)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(controller.pid, signal.SIGKILL)
        controller.wait()
        controller.stdout.close()


def test_a_resumed_run_shows_the_end_of_its_own_log(make_pool: MakePool, weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="told to die"):
        make_pool("die=0").start(spec(weights))
    with pytest.raises(ServerError) as caught:
        make_pool("deaf").start(spec(weights, startup_timeout=0.6))
    assert "told to die" not in str(caught.value)
    assert "told to die" in (tmp_path / "run" / "servers" / "mine.log").read_text()


def test_logs_of_aliases_that_differ_in_odd_characters_only(make_pool: MakePool, weights: Path, tmp_path: Path) -> None:
    make_pool().start_all(
        [spec(weights, "a/b"), spec(weights, "../a b", context=512), spec(weights, "a:b", context=256)]
    )
    logs = sorted(file.name for file in (tmp_path / "run" / "servers").glob("*.log"))
    assert logs == ["a_b-2.log", "a_b-3.log", "a_b.log"]


def test_a_run_folder_that_cannot_be_written(weights: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(UsageError, match=r"cannot start a server in .*run/servers"):
        ServerPool(tmp_path / "run", environ=environ).start(spec(weights))


def test_nothing_starts_when_one_of_them_cannot_be_served(make_pool: MakePool, weights: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no GGUF file, no checkpoint folder and no hub name"):
        make_pool().start_all([spec(weights), spec(tmp_path / "nowhere", "typo")])
    assert not (tmp_path / "run").exists()
