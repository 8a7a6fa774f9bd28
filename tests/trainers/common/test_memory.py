from __future__ import annotations

import platform

from pytest_ugst.trainers.common.memory import keep_memory


def test_memory_is_kept_where_the_allocator_can_be_told() -> None:
    assert keep_memory() is (platform.libc_ver()[0] == "glibc")
