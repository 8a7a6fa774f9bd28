"""The reward function that TRL calls: it has completions judged, logs them, and stops on too many failed judgements."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.text import one_line
from pytest_ugst.trainers.grpo.reward.reward import JudgedCompletion, TurnReward
from pytest_ugst.trainers.grpo.rollouts import Rollout, judge_rollouts

if TYPE_CHECKING:
    from pytest_ugst.roles.background import BackgroundRoles
    from pytest_ugst.trainers.grpo.completion_log import CompletionLog
    from pytest_ugst.trainers.grpo.samples import PromptSample

_WINDOW = 3  # batches over which the share of errors is taken


class RewardFunction:
    """The rewards of one process, batch by batch."""

    def __init__(
        self,
        reward: TurnReward,
        roles: BackgroundRoles,
        samples: Mapping[str, PromptSample],
        max_error_share: float,
    ) -> None:
        """Set up the function; :meth:`attach` has to follow before the first batch.

        Args:
            reward: Judges the completions.
            roles: The event loop that it runs in.
            samples: The samples by id.
            max_error_share: The share of completions without a verdict above which training is to stop.
        """
        self._reward, self._roles, self._samples = reward, roles, samples
        self._max_error_share = max_error_share
        self._recent: deque[tuple[int, int]] = deque(maxlen=_WINDOW)
        self._eos: frozenset[int] = frozenset()
        self._log: CompletionLog | None = None
        self.stopped: str | None = None
        """The reason why training is to stop."""
        self.judge_seconds = 0.0
        """Time spent waiting for rewards."""

    def attach(self, eos_token_ids: Sequence[int], log: CompletionLog) -> None:
        """Name what is known only when the trainer is set up.

        Args:
            eos_token_ids: The tokens that end a completion.
            log: The log of this process's completions.
        """
        self._eos, self._log = frozenset(eos_token_ids), log

    def as_function(self) -> Any:
        """Return the function for TRL's ``reward_funcs``."""

        # Named by what it computes: TRL logs its mean as rewards/NAME/mean.
        def ugst(
            completions: Sequence[Any],
            completion_ids: Sequence[Sequence[int]],
            sample: Sequence[str],
            trainer_state: Any,
            log_extra: Any,
            log_metric: Any,
            rollout: Sequence[Rollout] | None = None,
            **_: Any,
        ) -> list[float | None]:
            texts = [str(completion[0]["content"]) for completion in completions]
            judged = self._judge(texts, completion_ids, sample, rollout)
            self._record(trainer_state.global_step, sample, texts, judged)
            for name, value in summary(judged).items():
                log_metric(name, value)
            log_extra("fault", [one.parsed.format_error for one in judged])
            log_extra("error", [one.error for one in judged])
            return [one.reward for one in judged]

        return ugst

    def _judge(
        self,
        texts: Sequence[str],
        completion_ids: Sequence[Sequence[int]],
        names: Sequence[str],
        rollouts: Sequence[Rollout] | None,
    ) -> list[JudgedCompletion]:
        started = time.perf_counter()
        if rollouts is not None:
            judged = self._roles.run(judge_rollouts(self._reward, rollouts))
        else:
            finished = [bool(ids) and ids[-1] in self._eos for ids in completion_ids]
            prompt_states = [self._samples[name].prompt_state for name in names]
            judged = self._roles.run(self._reward.judge_all(prompt_states, texts, finished))
        self.judge_seconds += time.perf_counter() - started
        return judged

    def _record(
        self, step: int, names: Sequence[str], texts: Sequence[str], judged: Sequence[JudgedCompletion]
    ) -> None:
        assert self._log is not None
        self._log.append(
            {"step": step, "sample": name, "text": text, **one.record()}
            for name, text, one in zip(names, texts, judged, strict=True)
        )
        self._count_errors(step, judged)

    def _count_errors(self, step: int, judged: Sequence[JudgedCompletion]) -> None:
        from accelerate.utils import gather_object

        errors = [one.error for one in judged if one.error is not None]
        counts = gather_object([(len(errors), len(judged))])  # all processes have to stop together
        self._recent.append((sum(failed for failed, _ in counts), sum(total for _, total in counts)))
        failed, total = (sum(part) for part in zip(*self._recent, strict=True))
        if errors:
            print(
                f"ugst: step {step}: {len(errors)} of {len(judged)} completions got no verdict: "
                f"{one_line(errors[0], 200)}",
                flush=True,
            )
        if failed > self._max_error_share * total and self.stopped is None:
            self.stopped = (
                f"stopped at step {step}: {failed} of the last {total} completions got no verdict, more than the "
                f"{self._max_error_share:.0%} of max_error_share"
            )


def summary(judged: Sequence[JudgedCompletion]) -> dict[str, float]:
    """Return metrics of a batch for the log: shares of format errors, endings and errors, means of the indicators.

    Args:
        judged: At least one completion.
    """
    count = len(judged)
    metrics = {
        "ugst/fault": sum(one.parsed.format_error is not None for one in judged) / count,
        "ugst/ended": sum(one.ended for one in judged) / count,
        "ugst/error": sum(one.error is not None for one in judged) / count,
    }
    known: dict[str, list[float]] = {}
    for one in judged:
        for category, value in one.indicators or ():
            if value is not None:
                known.setdefault(f"ugst/{category.value}", []).append(value)
        for name, value in one.shaping.items():
            known.setdefault(f"ugst/shaping_{name}", []).append(value)
    return metrics | {name: sum(values) / len(values) for name, values in sorted(known.items())}
