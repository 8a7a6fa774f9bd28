"""The tools that the airline and retail domains have in common."""

from __future__ import annotations

from pytest_ugst.domains.calculator import ExpressionError, calculate
from pytest_ugst.domains.overlay import Overlay
from pytest_ugst.domains.toolbox import ToolError, tool

TRANSFER = "transfer_to_human_agents"


class TauTools:
    """Tools over one session's data.

    The docstrings of the tools are the descriptions that a model sees.
    """

    def __init__(self, db: Overlay, quirks: bool) -> None:
        """Make the tools of one session.

        Args:
            db: The session's view of the tables.
            quirks: Keep the upstream bugs that published numbers depend on (``compat: v1``).
        """
        self._db = db
        self._quirks = quirks

    @tool
    def calculate(self, expression: str) -> str:
        """Work out an arithmetic expression.

        Args:
            expression: Numbers, + - * / and parentheses, such as '2 * (120 + 30)'.
        """
        try:
            return str(round(calculate(expression), 2))
        except ExpressionError as error:
            raise ToolError(str(error)) from None

    @tool
    def transfer_to_human_agents(self, summary: str) -> str:
        """Hand the customer over to a human agent.

        Only if the customer asks for one, or if policy and tools don't let you solve the problem.

        Args:
            summary: What the customer's problem is.
        """
        return "Transfer successful"


class ThinkTool:
    """The tool that only tau-bench has."""

    @tool
    def think(self, thought: str) -> str:
        """Think about something. Finds out nothing new and changes nothing; use it for complex reasoning.

        Args:
            thought: What to think about.
        """
        return ""
