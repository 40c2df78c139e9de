"""Configurations into models: architectures of `transformers`, made ready for DNA."""

from dnabert.models.config import ModelConfig

__all__ = ["ModelConfig"]
