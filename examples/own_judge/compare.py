"""Have recorded conversations judged three times: by the checks of the goal, and by two judges of your own."""

from __future__ import annotations

import json
from pathlib import Path

from judges import Tact, manners

import pytest_ugst as ugst

(goal,) = ugst.load_goals("support.goal.yaml")
lines = Path("conversations.jsonl").read_text(encoding="utf-8").splitlines()
recorded = [(goal, json.loads(line)) for line in lines]  # OpenAI-style messages, with tool calls

by_checks = ugst.judge(recorded, judge="checks")
by_function = ugst.judge(recorded, judge=manners)
by_class = ugst.judge(recorded, judge=Tact())

print(f"{'':44}{'checks':12}{'function':12}class")
for episodes in zip(by_checks, by_function, by_class, strict=True):
    print(episodes[0].id)
    for component in goal.components or ():
        labels = [episode.final_state[component.id].label for episode in episodes]
        print(f"  {component.text:42}{labels[0]:12}{labels[1]:12}{labels[2]}")

print("\nWhat the class says of the third:")
print(by_class["broken-lamp@3"].explain())
