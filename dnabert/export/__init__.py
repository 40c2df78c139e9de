"""Clusters and vectors in the formats of other tools: AnnData (scanpy), BED (genome browsers), Parquet."""

from dnabert.export.config import ExportConfig
from dnabert.export.export import export
from dnabert.export.source import Windows, load_windows

__all__ = ["ExportConfig", "Windows", "export", "load_windows"]
