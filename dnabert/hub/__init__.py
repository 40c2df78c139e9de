"""Runs and corpora on the Hugging Face Hub."""

from dnabert.hub.config import PushConfig
from dnabert.hub.push import push
from dnabert.hub.staging import Staged, staged

__all__ = ["PushConfig", "Staged", "push", "staged"]
