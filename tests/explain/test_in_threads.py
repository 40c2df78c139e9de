import threading

import pytest

from dnabert.explain.in_threads import in_threads


def test_so_many_are_worked_on_at_once_and_come_in_order() -> None:
    both = threading.Barrier(2, timeout=60)  # passed by two at once alone

    def work(number: int) -> int:
        both.wait()
        return -number

    assert list(in_threads(work, range(6), threads=2)) == [0, -1, -2, -3, -4, -5]


@pytest.mark.parametrize("threads", [1, 2])
def test_where_one_fails_the_others_are_not_begun(threads: int) -> None:
    begun = []

    def work(number: int) -> None:
        begun.append(number)
        raise ValueError(number)

    with pytest.raises(ValueError, match="0"):
        list(in_threads(work, range(1_000), threads=threads))
    assert len(begun) < 1_000
