"""A simulated agency of up to 100,000 wires, with faults: for the crash harness, bench and tests.

It publishes the copy of :mod:`desk.demo` from a server that costs a bench little. Its core is pure:
which stories stand on which wire follows from a seed and a moment alone, so that a test in another
process can say what the agency served without asking it.

========== =========================================================================
load       a :class:`~tests.load.load.Load`: its wires, and the ledger of what stood
site       requests to answers; faults
server     answers over HTTP/1.1
========== =========================================================================
"""
