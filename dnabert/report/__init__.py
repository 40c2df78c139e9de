"""The page that answers: figures, tables and one self-contained HTML file, made from a comparison or an explanation."""

from __future__ import annotations

from dnabert.report.page import write_report
from dnabert.report.tracking import track_report

__all__ = ["track_report", "write_report"]
