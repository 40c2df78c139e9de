"""Labelled sequences: tasks, and how much of a label stands in an encoder's vectors."""

from dnabert.probes.probe import Probe, probe
from dnabert.probes.scores import score, score_difference
from dnabert.probes.tasks import Part, Task, read_task, read_tasks, task_inputs, tasks_inputs
from dnabert.probes.unseen import score_unseen

__all__ = [
    "Part",
    "Probe",
    "Task",
    "probe",
    "read_task",
    "read_tasks",
    "score",
    "score_difference",
    "score_unseen",
    "task_inputs",
    "tasks_inputs",
]
