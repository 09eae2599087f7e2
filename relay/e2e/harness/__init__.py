"""What the end-to-end tests, the demo and the benchmarks share: real processes, and the truth.

Start reading at `broker` and `relay` (the processes), then `writer` and `ledger` (what was
appended), `topics` (what arrived) and `check` (whether the two agree).
"""
