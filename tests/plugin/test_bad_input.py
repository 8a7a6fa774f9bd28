"""Bad input: exit status 4 and one clear line, before anything is spent."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.plugin_project import Project, goal

Prepare = Callable[[Project], tuple[str, ...]]


def fine(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"), goal("b"))


def options(*args: str) -> Prepare:
    def prepare(project: Project) -> tuple[str, ...]:
        fine(project)
        return args

    return prepare


def files(text: str, *args: str, name: str = "cafe.goal.yaml") -> Prepare:
    def prepare(project: Project) -> tuple[str, ...]:
        (project.path / name).write_text(text)
        return args

    return prepare


def unwritable(project: Project) -> tuple[str, ...]:
    fine(project)
    (project.path / "taken").write_text("a file")
    return ("--ugst-dir=taken/here",)


def bare_checkpoint(project: Project) -> tuple[str, ...]:
    fine(project)
    (project.path / "ckpt").mkdir()
    (project.path / "ckpt" / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    (project.path / "ckpt" / "tokenizer_config.json").write_text("{}")
    (project.path / "ckpt" / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    return ("--ugst-sim=./ckpt",)


def toolless_checkpoint(project: Project) -> tuple[str, ...]:
    bare_checkpoint(project)
    template = '{"chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}"}'
    (project.path / "ckpt" / "tokenizer_config.json").write_text(template)
    policy = "components: {policy: [{text: y, check: {once: {user_says: tea}}}]}"
    (project.path / "cafe.goal.yaml").write_text(f"id: a\ngoal: x\ndomain: concierge\n{policy}\n")
    return ("--ugst-agent=./ckpt",)


def alias(toml: str) -> Prepare:
    def prepare(project: Project) -> tuple[str, ...]:
        fine(project)
        (project.path / "pyproject.toml").write_text(toml)
        return ("--ugst-sim=mine",)

    return prepare


def damaged_run(project: Project) -> tuple[str, ...]:
    fine(project)
    folder = project.path / ".ugst" / "runs" / "old"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("[" * 200_000)
    return ("--ugst-resume=old",)


LONG = "x" * 300
CASES: dict[str, tuple[Prepare, str]] = {
    "unknown alias": (options("--ugst-sim=wordz"), "*unknown model 'wordz'; did you mean 'words'?*"),
    "unknown judge": (options("--ugst-judge=nobody"), "*unknown model 'nobody'*[[]tool.ugst.models.nobody[]]*"),
    "missing key": (options("--ugst-sim=gpt-4o-mini"), "*gpt-4o-mini*OPENAI_API_KEY*"),
    "unreachable server": (options("--ugst-sim=http://127.0.0.1:9/v1#m"), "*http://127.0.0.1:9/v1*"),
    "bad alias": (alias("[tool.ugst.models.mine]\nmodle = 'x'\n"), "*pyproject.toml*[[]tool.ugst.models.mine[]]*"),
    "broken pyproject": (alias("[tool.ugst"), "*pyproject.toml: *"),
    "no such checkpoint": (options("--ugst-sim=./nowhere"), "*'./nowhere'*no such file or folder*"),
    "no tools": (toolless_checkpoint, "*model './ckpt': its chat template shows the model no tools*"),
    "no chat template": (bare_checkpoint, "*chat template*"),
    "no such fault": (options("--ugst-sim=agenda:sleepiness"), "*sleepiness*confusion*"),
    "malformed goal": (
        files("id: a\ngoal: x\ncomponent: {}\n"),
        "*cafe.goal.yaml:3: component: unknown field; *'components'*",
    ),
    "not YAML": (files("id: [a\n"), "*cafe.goal.yaml:*: not valid YAML*"),
    "not JSON": (files("{", name="cafe.goal.jsonl"), "*cafe.goal.jsonl:1: not a JSON object*"),
    "twice": (
        files("id: a\ngoal: x\n---\nid: a\ngoal: y\n"),
        "*cafe.goal.yaml:4: id: *'a' was already used on line 1*",
    ),
    "no components": (
        files("id: a\ngoal: You say tea.\n"),
        "*cafe.goal.yaml:1: goal 'a' has no components*--ugst-judge*",
    ),
    "no check": (
        files("id: a\ngoal: You say tea.\ncomponents: {policy: [You say tea]}\n"),
        "*goal 'a': no check on policy-1, and no judge model is set; set --ugst-judge*",
    ),
    "unknown check": (
        files("id: a\ngoal: x\ncomponents: {policy: [{text: y, check: {python: nope}}]}\n"),
        "*policy-1: check: python: unknown check 'nope'*",
    ),
    "unknown domain": (
        files("id: a\ngoal: x\ndomain: concierg\ncomponents: {policy: [{text: y, check: {once: {user_says: x}}}]}\n"),
        "*unknown domain 'concierg'; did you mean 'concierge'?",
    ),
    "no slots": (
        files(
            "id: a\ngoal: x\ncomponents: {task: [{text: y, check: {complete: {user_says: x}}}]}\n", "--ugst-sim=agenda"
        ),
        "*slots*",
    ),
    "unwritable folder": (unwritable, "*can't write the run folder *; set --ugst-dir*"),
    "nothing to resume": (options("--ugst-resume"), "*--ugst-resume: there is no run in *"),
    "resume of a stranger": (options("--ugst-resume=nobody"), "*--ugst-resume=nobody: no such run*"),
    "resume of a damaged run": (damaged_run, "*old/run.json can't be read; start a new run*"),
    "name that is too long": (options(f"--ugst-resume={LONG}"), f"*--ugst-resume={LONG}: no such run*"),
    "baseline of that name": (options(f"--ugst-baseline={LONG}.json"), "*x.json: there is no such file*"),
    "page of that name": (
        options(f"--ugst-html={LONG}.html"),
        "*--ugst-html=x*: File name too long; name *",
    ),
    "no number": (options("--ugst-trials=many"), "*--ugst-trials=many: write a whole number"),
    "too small": (options("--ugst-concurrency=0"), "*--ugst-concurrency=0: write a number from 1 to 10000"),
    "no such choice": (options("--ugst-steer=left"), "*--ugst-steer: invalid choice: 'left' *"),
    "no such choice in the ini file": (
        options("-o", "ugst_steer=left"),
        "*--ugst-steer=left: write one of none, goal, state",
    ),
    "no switch": (options("-o", "ugst_reasoning=maybe"), "*--ugst-reasoning=maybe: write true or false"),
    "bad gate": (options("--ugst-fail-under=avg=high"), "*--ugst-fail-under*high*"),
    "no such rate": (options("--ugst-fail-under=mood=5"), "*--ugst-fail-under*mood*"),
    "no prompts": (options("--ugst-prompts=nowhere"), "*nowhere*"),
}


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def check(project: Project, result: pytest.RunResult, told: str) -> None:
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    # pytest itself prefixes its command line errors.
    said = [
        line
        for line in result.errlines
        if line.strip() and not line.startswith(("ERROR: usage:", "  inifile:", "  rootdir:"))
    ]
    assert len(said) == 1, said
    result.stderr.fnmatch_lines([told])
    everything = str(result.stdout) + str(result.stderr)
    assert "Traceback" not in everything
    assert "INTERNALERROR" not in everything
    assert not [run for run in project.runs() if (run / "episodes.jsonl").exists()]


@pytest.mark.parametrize("case", CASES)
def test_it_is_said_in_a_line(project: Project, case: str) -> None:
    prepare, told = CASES[case]
    check(project, project.run(*prepare(project)), told)


# Noticed by the controller, by a worker while it collects, and by a worker once it has collected.
@pytest.mark.parametrize("case", ["missing key", "malformed goal", "no components"])
def test_it_is_said_in_a_line_under_xdist(project: Project, case: str) -> None:
    prepare, told = CASES[case]
    check(project, project.launch("-n", "2", *prepare(project)), told)


def test_what_a_journal_says_is_no_command_to_the_terminal(project: Project) -> None:
    fine(project)
    project.run()
    path = project.runs()[0] / "episodes.jsonl"
    first, *others = path.read_text().splitlines()
    usage = {"\x1b]0;owned\x07\x9b31m\u202e\r\n::error file=a::x": {"calls": 1}}
    path.write_text("\n".join([json.dumps(json.loads(first) | {"usage": usage}), *others, ""]))
    result = project.run("--ugst-resume")
    result.assert_outcomes(passed=2)
    told = str(result.stdout)
    assert not set("\x1b\x9b\x07\u202e") & set(told)
    assert not [line for line in told.splitlines() if line.startswith("::")]
    assert "1 torn line of the journal left out" in told


def test_one_bad_file_is_no_reason_to_play_the_others(project: Project) -> None:
    fine(project)
    (project.path / "bad.goal.yaml").write_text("id: c\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert project.runs() == []
    result = project.run("--continue-on-collection-errors")
    result.assert_outcomes(passed=2, errors=1)
    assert project.ids() == ["a", "b"]


def test_a_failing_conftest_of_the_user_is_not_ours(project: Project) -> None:
    fine(project)
    project.tests("import nowhere_to_be_found\n")
    assert project.run().ret == pytest.ExitCode.INTERRUPTED
