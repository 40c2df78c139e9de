"""The page that answers: figures, tables and one self-contained HTML file, made from a comparison."""

from __future__ import annotations

from dnabert.report.page import write_report

__all__ = ["write_report"]
