"""Numbers over records: what dashboards and reports ask, the answers, and the way from a number to its records."""
