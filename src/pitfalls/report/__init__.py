"""Everything that is shown; reads verdicts and results, and measures nothing."""
