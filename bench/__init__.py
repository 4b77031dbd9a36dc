"""What Wirecopy costs compared with the usual libraries, measured in one run on the same inputs.

    python -m bench [--quick] [--only NAME] [--json FILE]

Every *side* (Wirecopy, or what it is compared with) runs in a process of its own, so that memory
and imports are its own. The sides take turns, so that a busy moment of the machine hits all of
them; figures are medians. The input is the same for all.

======== =============================================================================
machine  the machine and the versions
cost     wall time, CPU time, peak memory
sides    each side at work in its own process, in turns
table    what is printed
english  copy of any length
agency   the agency that is polled, in a process of its own
inputs   stores, filled without a network
plain    plain feedgen, as one would write it
poll     a poll, against ``reader``: ``wirecopy_side``, ``reader_side``; ``postgres``
read     a feed read whole, against feedparser
headline a headline of the desk's → three feeds, against feedgen
live     how long news takes through ``wirecopy up``, its memory, its start
growth   what is kept: the archive, the database
history  everything that is done, with few stories and with many
serve    feeds over HTTP, against a static file server; ``client`` asks, ``static`` is that server
scale    many wires, on real workers; ``window`` says what such a run can show
======== =============================================================================
"""
