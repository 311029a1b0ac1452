"""Many callers, one worker: order, room, deadlines, faults."""

import gc
import threading
import time
import weakref
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifarkit._errors import InvalidArgument, Overloaded, TooLate
from cifarkit.serving import Batcher


class Gate:
    """A run that waits until it is let go, and keeps what it ran together."""

    def __init__(self):
        self.go, self.entered, self.batches = threading.Event(), threading.Event(), []

    def __call__(self, items):
        self.entered.set()
        assert self.go.wait(10)
        self.batches.append(list(items))
        return [item * 2 for item in items]


@pytest.fixture
def gate():
    """A gate that is open in the end."""
    found = Gate()
    yield found
    found.go.set()


def test_a_worker_that_was_left_behind_takes_nothing_more(gate):
    """After a second beginning one thread alone runs the model."""
    batcher, _ = held(gate)
    old = batcher._worker
    batcher.close(0.1)
    assert old.is_alive()
    batcher.open()
    later = batcher.submit([5])
    gate.go.set()
    assert later.result(10) == [10]
    old.join(10)
    assert not old.is_alive()
    batcher.close(10)
    assert not batcher._worker.is_alive()


def held(gate, **options):
    """Return a batcher whose worker is busy with one item, 0."""
    batcher = Batcher(gate, **options)
    first = batcher.submit([0])
    assert gate.entered.wait(10)
    return batcher, first


def test_what_waits_runs_together_in_order(gate):
    """As many as fit, in the order in which they came, and each caller has its own."""
    batcher, first = held(gate, size=4, waiting=8)
    futures = [batcher.submit(items) for items in ([1], [2, 3], [4], [5, 6])]
    assert batcher.waiting == 6
    gate.go.set()
    assert first.result(10) == [0]
    assert [each.result(10) for each in futures] == [[2], [4, 6], [8], [10, 12]]
    batcher.close()
    assert gate.batches == [[0], [1, 2, 3, 4], [5, 6]]
    assert (batcher.waiting, batcher.batches, batcher.items) == (0, 3, 7)


def test_what_does_not_fit_is_refused_whole(gate):
    """All items of a caller wait, or none; room comes back."""
    batcher, _ = held(gate, size=2, waiting=3)
    kept = batcher.submit([1, 2])
    with pytest.raises(Overloaded, match="2 of 3 waited"):
        batcher.submit([3, 4])
    assert (batcher.waiting, batcher.full) == (2, False)
    last = batcher.submit([5])
    assert batcher.full
    gate.go.set()
    assert kept.result(10) == [2, 4]
    assert last.result(10) == [10]
    assert batcher.submit([6, 7]).result(10) == [12, 14]
    batcher.close()


def test_who_waited_too_long_is_not_run(gate):
    """The work would be for nobody."""
    batcher, _ = held(gate)
    late, fine = batcher.submit([1], seconds=0.0), batcher.submit([2])
    time.sleep(0.01)
    gate.go.set()
    with pytest.raises(TooLate):
        late.result(10)
    assert fine.result(10) == [4]
    batcher.close()
    assert gate.batches == [[0], [2]]


def test_a_caller_who_left_is_not_run(gate):
    """A cancelled future is skipped, and nobody else notices."""
    batcher, _ = held(gate)
    gone, fine = batcher.submit([1]), batcher.submit([2])
    assert gone.cancel()
    gate.go.set()
    assert fine.result(10) == [4]
    with pytest.raises(CancelledError):
        gone.result(0)
    batcher.close()
    assert gate.batches == [[0], [2]]


def test_a_bad_item_fails_its_own_caller_alone():
    """The batch is run again, each caller by itself."""

    def run(items):
        return [1 / item for item in items]

    gate = Gate()
    batcher = Batcher(lambda items: (gate(items), run(items))[1])
    first = batcher.submit([1])
    assert gate.entered.wait(10)
    good, bad, other = (batcher.submit([item]) for item in (2, 0, 4))
    gate.go.set()
    assert [each.result(10) for each in (first, good, other)] == [[1], [0.5], [0.25]]
    with pytest.raises(ZeroDivisionError):
        bad.result(10)
    assert batcher.submit([5]).result(10) == [0.2]
    batcher.close()


def test_a_run_that_gives_too_few_fails_all_who_are_in_it():
    """Nobody gets a short answer, or the answer of another."""
    batcher = Batcher(lambda items: [1])
    assert batcher.submit([1]).result(10) == [1]
    with pytest.raises(ValueError, match="1 results of 2 items"):
        batcher.submit([1, 2]).result(10)
    batcher.close()


def test_a_lone_item_that_fails_is_not_run_again():
    """Nobody else could have spoilt it."""
    runs = []

    def run(items):
        runs.append(items)
        raise ZeroDivisionError

    batcher = Batcher(run)
    with pytest.raises(ZeroDivisionError):
        batcher.submit([1]).result(10)
    batcher.close()
    assert runs == [[1]]


def test_what_is_never_asked_has_no_thread():
    """So that an application that is never started is let go."""
    before = threading.active_count()
    batcher = Batcher(list)
    batcher.close()
    batcher.open()
    assert threading.active_count() == before
    kept = weakref.ref(batcher)
    del batcher
    gc.collect()
    assert kept() is None


def test_closing_answers_all_who_wait(gate):
    """And takes nothing more."""
    batcher, _ = held(gate)
    futures = [batcher.submit([item]) for item in range(40)]
    closing = threading.Thread(target=batcher.close)
    closing.start()
    gate.go.set()
    closing.join(10)
    assert [each.result(0) for each in futures] == [[2 * item] for item in range(40)]
    with pytest.raises(Overloaded, match="while the service runs"):
        batcher.submit([1])


@settings(max_examples=20)
@given(st.lists(st.integers(1, 5), max_size=40), st.integers(5, 9))
def test_no_answer_goes_to_another(counts, size):
    """Callers in several threads, of several items: each gets what is its own."""
    batcher = Batcher(lambda items: [-item for item in items], size=size, waiting=250)

    def call(number):
        items = [1000 * number + place for place in range(counts[number])]
        return batcher.submit(items).result(10) == [-item for item in items]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(call, range(len(counts))))
    batcher.close()
    assert batcher.items == sum(counts)


@pytest.mark.parametrize(
    "options",
    [
        {"size": 0},
        {"size": 8, "waiting": 7},
        {"size": float("nan"), "waiting": 3},
        {"size": "a"},
    ],
)
def test_a_queue_holds_at_least_one_batch(options):
    """Else a whole request could never be taken."""
    with pytest.raises(InvalidArgument, match="waiting of at least size"):
        Batcher(list, **options)
