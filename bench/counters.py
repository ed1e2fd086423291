"""The headers in which the counting server says what an answer cost."""

STATEMENTS, COMMITS = "x-poolhouse-statements", "x-poolhouse-commits"
