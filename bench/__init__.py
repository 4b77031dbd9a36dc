"""What Wirecopy costs compared with the usual libraries, measured in one run on the same inputs.

    python -m bench [--quick] [--only NAME] [--json FILE]

Every *side* (Wirecopy, or what it is compared with) runs in a fresh process, so that memory and
imports are its own. The sides take turns, so that a busy moment of the machine hits all of them;
each number is the median of the turns. The input is the simulated agency's.

======== =============================================================================
machine  the machine and the versions
cost     wall time, CPU time, peak memory
sides    running each side in its own process, in turns
table    what is printed
agency   the simulated agency as a process whose clock the bench moves
inputs   feeds and stories, without a network
plain    plain feedgen, as one would write it
rounds   the rounds of polls: all new, nothing changed, news
pipeline fetch → rendered feed: ``wirecopy_side`` against ``reader_side``; ``postgres``
parse    bytes → items, against feedparser
render   story → entry → feed, against feedgen
serve    feeds over HTTP, against a static file server; ``client`` asks, ``static`` is that server
======== =============================================================================
"""
