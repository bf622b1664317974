"""The page: verdicts and results become one self-contained HTML file that opens from disk."""

from pitfalls.report.page.document import write_page

__all__ = ["write_page"]
