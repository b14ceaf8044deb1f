"""The queue: bounded, fair, and nothing is lost."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.service.queue import FairQueue, QueueFull, Share

Steps = list[tuple[str, str, int]]

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "take", "done", "remove", "give back"]),
        st.sampled_from("abc"),
        st.integers(-2, 2),
    ),
    max_size=80,
)


@settings(max_examples=300, deadline=None)
@given(STEPS, st.integers(1, 12), st.integers(1, 6), st.integers(1, 3))
def test_nothing_is_lost_and_bounds_hold(steps: Steps, size: int, waiting: int, running: int) -> None:
    """Whatever is done in whatever order: what went in is waiting, was taken once, or was taken back."""
    queue: FairQueue[int] = FairQueue(size)
    share = Share(waiting, running)
    put, taken, removed, served = {}, [], set(), []
    back = 0  # which have a place beyond what there is
    for number, (step, tenant, priority) in enumerate(steps):
        if step == "put":
            before = len(queue)
            try:
                put[number] = queue.put(number, tenant, priority=priority, share=share)
            except QueueFull as full:
                bound = before >= size if full.tenant is None else queue.waiting(tenant) >= waiting
                assert bound
        elif step == "take":
            entry = queue.take()
            able = any(queue.waiting(one) and queue.running(one) < running for one in "abc")
            assert entry is not None or not able
            if entry is None:
                continue
            assert entry.item not in removed
            others = [other for other in put.values() if other.tenant == entry.tenant and other.item not in taken]
            waits = [other for other in others if other.item not in removed]
            assert entry.priority == max(other.priority for other in waits)
            assert entry.item == min(other.item for other in waits if other.priority == entry.priority)
            taken.append(entry.item)
            served.append(entry)
        elif step == "done" and served:
            queue.done(served.pop(0), 0.01)
        elif step == "give back" and served:
            entry = served.pop()
            assert queue.give_back(entry)
            taken.remove(entry.item)
            back += 1
        elif step == "remove" and put:
            item, entry = list(put.items())[number % len(put)]
            assert queue.remove(entry) is (item not in taken and item not in removed)
            if item not in taken:
                removed.add(item)
        assert len(queue) == len(put) - len(taken) - len(removed) <= size + back
        assert all(queue.waiting(one) <= waiting + back and queue.running(one) <= running for one in "abc")
    assert len(set(taken)) == len(taken)
    assert {entry.item for entry in queue.close()} == set(put) - set(taken) - removed


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=4))
def test_tenants_get_the_same_time(costs: list[float]) -> None:
    """Of tenants that always want something, none is served for longer than another by more than two items."""
    queue: FairQueue[float] = FairQueue(10_000)
    total = dict.fromkeys(map(str, range(len(costs))), 0.0)
    for tenant, cost in enumerate(costs):
        for _ in range(200):
            queue.put(cost, str(tenant))
    for _ in range(100):
        entry = queue.take()
        assert entry is not None
        total[entry.tenant] += entry.item
        queue.done(entry, entry.item)
    assert max(total.values()) - min(total.values()) <= 2 * max(costs)


def test_who_was_away_gets_no_credit() -> None:
    """A tenant that comes back is served as others are, not for all the time in which it wanted nothing."""
    queue: FairQueue[str] = FairQueue(1_000)
    for _ in range(100):
        queue.put("a", "a")
    for _ in range(50):
        entry = queue.take()
        assert entry is not None
        queue.done(entry, 1.0)
    for _ in range(50):
        queue.put("b", "b")
    seen = ""
    for _ in range(20):
        entry = queue.take()
        assert entry is not None
        seen += entry.item
        queue.done(entry, 1.0)
    assert abs(seen.count("a") - seen.count("b")) <= 2


def test_many_threads() -> None:
    """Each item is taken by one of them, and none when it is closed."""
    queue: FairQueue[int] = FairQueue(10_000)
    taken: list[int] = []
    for number in range(2_000):
        queue.put(number, "abcde"[number % 5])

    def work() -> None:
        while (entry := queue.take()) is not None:
            taken.append(entry.item)
            queue.done(entry, 0.0)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert sorted(taken) == list(range(2_000))


def test_closed() -> None:
    """Nothing is given out any more, what waited is returned, and what was taken cannot be given back."""
    queue: FairQueue[int] = FairQueue(10)
    for number in range(3):
        queue.put(number, "a")
    entry = queue.take()
    assert entry is not None
    assert [left.item for left in queue.close()] == [1, 2]
    assert queue.take() is None
    assert not queue.give_back(entry)
    assert queue.running("a") == 0


def test_full() -> None:
    """It says whether it is the tenant's part that is full, or all of it."""
    queue: FairQueue[int] = FairQueue(3)
    queue.put(1, "a", share=Share(waiting=1))
    with pytest.raises(QueueFull) as full:
        queue.put(2, "a", share=Share(waiting=1))
    assert full.value.tenant == "a"
    queue.put(3, "b")
    queue.put(4, "c")
    with pytest.raises(QueueFull) as full:
        queue.put(5, "d")
    assert full.value.tenant is None
