import os

import pytest
import torch

from dnabert.pretraining.threads import set_cpu_threads


@pytest.fixture(autouse=True)
def _give_back(monkeypatch):
    before = torch.get_num_threads()
    for name in ("ACCELERATE_MIXED_PRECISION", "TORCHELASTIC_RUN_ID", "OMP_NUM_THREADS", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    yield
    torch.set_num_threads(before)


def test_a_launcher_that_left_one_thread_does_not_idle_the_other_cores(monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    set_cpu_threads(None, processes=2)
    assert torch.get_num_threads() == 4


def test_more_processes_than_cores_have_a_thread_each(monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    torch.set_num_threads(3)
    set_cpu_threads(None, processes=9)
    assert torch.get_num_threads() == 1


def test_processes_of_other_machines_do_not_take_cores_here(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    set_cpu_threads(None, processes=16)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("launcher", [{}, {"ACCELERATE_MIXED_PRECISION": "no", "OMP_NUM_THREADS": "3"}])
def test_what_the_user_set_stays(monkeypatch, launcher):
    for name, value in launcher.items():
        monkeypatch.setenv(name, value)
    torch.set_num_threads(3)
    set_cpu_threads(None, processes=1)
    assert torch.get_num_threads() == 3


def test_asked_for_is_given():
    set_cpu_threads(2, processes=1)
    assert torch.get_num_threads() == 2
