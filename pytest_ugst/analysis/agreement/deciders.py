"""Who decided the statuses of a run: the judge that was named, or the checks of its goals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pytest_ugst.analysis.agreement.disagreement import SecondOpinions
from pytest_ugst.core.check import CHECKS
from pytest_ugst.core.episode import Episode


@dataclass(slots=True)
class Deciders:
    """The deciders of a run whose judge is not the checks, and the second opinions beside them."""

    judged: Counter[str] = field(default_factory=Counter)
    """Numbers of sub-components by the judge that was named."""
    checked: Counter[str] = field(default_factory=Counter)
    """Numbers of those that checks decided in its place."""
    opinions: SecondOpinions = field(default_factory=SecondOpinions)

    def counting(self, episodes: Iterable[Episode]) -> Iterator[Episode]:
        """Count episodes while they go by; none is kept."""
        for episode in episodes:
            self.add(episode)
            yield episode

    def add(self, episode: Episode) -> None:
        """Count an episode."""
        judge = episode.setting.judge
        if judge == CHECKS:
            return
        checked = {verdict.component for verdict in episode.verdicts if verdict.by == CHECKS}
        self.judged[judge] += len(episode.components)
        self.checked[judge] += sum(component.id in checked for component in episode.components)
        self.opinions.add_recorded(episode)

    def notes(self) -> list[str]:
        """Return what has to be said below a table, a sentence each."""
        lines = [
            f"checks decided {self.checked[judge]} of {total} sub-components in place of the judge {judge}"
            for judge, total in sorted(self.judged.items())
            if self.checked[judge]
        ]
        found = self.opinions
        if found.compared or found.undecided:
            share = f" ({100 * len(found.differing) / found.compared:.1f}%)" if found.compared else ""
            undecided = f", {found.undecided} without a trustworthy verdict" if found.undecided else ""
            lines.append(
                f"checks beside the judge differ from it on {len(found.differing)} of {found.compared} "
                f"sub-components{share}{undecided}"
            )
        return lines
