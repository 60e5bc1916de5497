"""page: the parts of report.html, each a function from a result to HTML."""
