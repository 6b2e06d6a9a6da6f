"""A server that keeps failing is left alone for a while, and tried by one call at a time."""

from cds_service.gather.breaker import FAILURES, PAUSE_S, WINDOW_S, Breaker
from cds_service.gather.deadline import Deadline


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def failing(hands: Hands, *, every: float, times: int = FAILURES) -> Breaker:
    breaker = Breaker(hands)
    for _ in range(times):
        hands.now += every
        assert breaker.allows()
        breaker.failed()
    return breaker


def test_it_opens_after_so_many_failures_in_so_short_a_time() -> None:
    hands = Hands()
    breaker = failing(hands, every=WINDOW_S / (FAILURES - 1))
    assert breaker.open
    assert not breaker.allows()


def test_fewer_failures_or_slower_ones_do_not_open_it() -> None:
    hands = Hands()
    assert failing(hands, every=0.0, times=FAILURES - 1).allows()
    assert failing(hands, every=WINDOW_S / (FAILURES - 1) + 0.01, times=3 * FAILURES).allows()


def test_an_answer_in_between_counts_from_the_beginning_again() -> None:
    hands = Hands()
    breaker = failing(hands, every=0.1, times=FAILURES - 1)
    breaker.answered()
    breaker.failed()
    assert breaker.allows()


def test_after_a_pause_one_call_tries_and_its_answer_closes_it() -> None:
    hands = Hands()
    breaker = failing(hands, every=0.1)
    hands.now += PAUSE_S - 0.01
    assert not breaker.allows()
    hands.now += 0.02
    assert breaker.allows()
    assert not breaker.allows()
    breaker.answered()
    assert breaker.allows()
    assert not breaker.open


def test_a_try_that_fails_leaves_it_open_for_another_pause() -> None:
    hands = Hands()
    breaker = failing(hands, every=0.1)
    hands.now += PAUSE_S
    assert breaker.allows()
    hands.now += 0.4
    breaker.failed()
    hands.now += PAUSE_S - 0.1
    assert not breaker.allows()
    hands.now += 0.2
    assert breaker.allows()


def test_a_try_that_never_came_back_does_not_keep_it_open_for_good() -> None:
    hands = Hands()
    breaker = failing(hands, every=0.1)
    hands.now += PAUSE_S
    assert breaker.allows()
    hands.now += PAUSE_S
    assert breaker.allows()


def test_a_deadline_counts_down_to_below_nothing() -> None:
    hands = Hands()
    deadline = Deadline(0.4, hands)
    assert abs(deadline.left() - 0.4) < 1e-9
    hands.now += 1
    assert deadline.left() < -0.5
