"""Words by which a user asks for a tool that changes the database.

They tell to which part of a goal a reference action belongs. The patterns are wide on purpose: where one fits too much,
nothing is decided; where one misses a request, the decision could be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_CHANGE = r"chang|modif|updat|switch|swap|replac|exchang|adjust|edit|correct|fix|upgrad|downgrad|instead"

REQUEST_WORDS: Mapping[str, re.Pattern[str]] = {
    tool: re.compile(words, re.IGNORECASE)
    for tool, words in {
        # retail
        "cancel_pending_order": r"cancel|refund|call off",
        "return_delivered_order_items": r"return|refund|(?:send|give|bring)\w* .*back|money back",
        "exchange_delivered_order_items": _CHANGE + r"|trade",
        "modify_pending_order_items": _CHANGE + r"|\bmake\b|\bturn\b",
        "modify_pending_order_address": r"address|ship|deliver|\bsen[dt]|mov(?:e|ing)",
        "modify_pending_order_payment": r"pay|paid|card|paypal|charge|refund",
        "modify_user_address": r"address|\bmov(?:e|ing)|profile|account",
        # airline
        "book_reservation": r"book(?!ing)|\bfly\b|\bflights?\b|\bbuy|purchas|\breserve\b|\btrip|travel|reinstat",
        "cancel_reservation": r"cancel|refund|call off|get rid|drop",
        "update_reservation_flights": _CHANGE
        + r"|\bmov(?:e|ing)|push|delay|postpone|reschedul|business|economy|cabin|class|nonstop|earlier|later|flight",
        "update_reservation_baggages": r"bag|luggage|suitcase|baggage",
        "update_reservation_passengers": r"passenger|name|birth|travel|companion|" + _CHANGE,
        "send_certificate": r"compensat|certificate|voucher|refund|reimburs|gesture|complain|delay|cancel|make up for",
    }.items()
}
"""By tool, the pattern found in the words of a user who asks for what the tool does."""
