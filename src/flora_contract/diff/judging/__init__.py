"""Which rules the differences fall under, for whom, and how bad they are."""
