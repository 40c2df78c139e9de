import threading
import time

import numpy as np
import pytest

from dnabert.corpus import load_corpus
from dnabert.pretraining.prefetch import Prefetcher, prefetch_threads
from dnabert.pretraining.sampling import Sampler
from dnabert.tokenizer import KmerTokenizer


@pytest.mark.parametrize("threads", [1, 4])
def test_batches_come_in_order_and_are_those_of_their_steps(small_corpus, threads):
    sampler = Sampler(
        load_corpus(small_corpus).view("train"), KmerTokenizer(k=4), batch_size=8, seed=3, mask_share=0.15
    )
    with Prefetcher(sampler.batch, first=5, threads=threads) as batches:
        for step in range(5, 25):
            batch, expected = next(batches), sampler.batch(step)
            np.testing.assert_array_equal(batch.input_ids, expected.input_ids)
            np.testing.assert_array_equal(batch.labels, expected.labels)


def test_threads_work_beside_each_other_and_no_further_ahead_than_told():
    met, begun = threading.Barrier(3, timeout=30), []

    def make(step: int) -> int:
        begun.append(step)
        if step < 3:
            met.wait()  # passes only when three steps are being made at once
        return step

    with Prefetcher(make, first=0, threads=3, ahead=3) as steps:
        assert next(steps) == 0
        assert [next(steps), next(steps)] == [1, 2]
    assert max(begun) <= 5  # three taken, three ahead


@pytest.mark.parametrize("threads", [1, 3])
def test_two_batches_a_thread_are_ready_or_being_made(threads):
    with Prefetcher(str, threads=threads) as steps:
        for _ in range(4):
            assert len(steps._futures) == 2 * threads
            next(steps)


def test_after_the_last_step_there_is_none():
    with Prefetcher(str, first=3, stop=6, threads=2) as steps:
        assert list(steps) == ["3", "4", "5"]
    with Prefetcher(str, first=3, stop=3) as steps:
        assert list(steps) == []


def test_what_a_step_raises_is_raised_where_it_is_due_and_the_threads_end():
    def make(step: int) -> int:
        if step == 2:
            raise ValueError("step 2 cannot be made")
        return step

    taken = []
    with pytest.raises(ValueError, match="step 2 cannot"), Prefetcher(make, first=0, threads=2) as steps:
        taken.extend(steps)
    assert taken == [0, 1]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("batches")]


def test_leaving_drops_what_nobody_will_take():
    begun = []

    def make(step: int) -> int:
        begun.append(step)
        time.sleep(0.02)
        return step

    with Prefetcher(make, first=0, threads=1, ahead=1000) as steps:
        next(steps)
    assert len(begun) < 1000


def test_a_cpu_keeps_its_cores_and_a_gpu_gets_its_share(monkeypatch):
    monkeypatch.setattr("dnabert.pretraining.prefetch.cores", lambda: 12)
    assert prefetch_threads("cpu", processes=1) == 1
    assert [prefetch_threads("cuda", processes=n) for n in (1, 2, 4, 16)] == [8, 6, 3, 1]
