"""What Wirecopy costs beside what one would take instead, measured in one run on the same inputs.

    python -m bench [--quick] [--only NAME] [--json FILE]

Every *side* (Wirecopy, or what stands beside it) runs in a fresh process of its own, so that its
memory and its imports are its own; the sides take turns, so that a busy moment of the machine hits
all of them; a figure is the median of the turns. The input is the simulated agency's.

======== =============================================================================
machine  what it ran on
cost     wall time, CPU time, peak memory
sides    running each side in its own process, in turns
table    what is printed
agency   the simulated agency as a process whose clock the bench moves
inputs   feeds and stories in hand, without a network
plain    plain feedgen, as one would write it
rounds   what a poller lives through
pipeline fetch → rendered feed: ``wirecopy_side`` against ``reader_side``; ``postgres``
parse    bytes → items, against feedparser
render   story → entry → feed, against feedgen
serve    feeds over HTTP, against a static file server; ``client`` asks, ``static`` is that server
======== =============================================================================
"""
