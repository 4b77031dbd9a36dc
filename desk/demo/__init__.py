"""The simulated agency: a wire service that does not exist, for demonstrations, tests and benches.

Everything it publishes is invented and says so: in the channel's title, in every dateline
("(SIM)"), in the rights, in the header ``X-Simulation: yes`` and in large letters on its pages.
Its core is pure: which stories stand on which wire follows from a seed and a moment alone, so that
a test in another process can say what the agency served without asking it.

The agency plays the other side. It shares no code with the rooms that read its wires or write
Wirecopy's feeds; only ``server`` and ``__main__`` touch a clock or a socket.

========== ==========================================================================
items      the values: a story as it stands on a wire, an edition, a standing wire
writing    ``copy.json`` and its variations: from an edition to the words
newswire   a :class:`~desk.demo.newswire.Script`: the demonstration, moment by moment
load       a :class:`~desk.demo.load.Load`: up to 100,000 wires, and the ledger of what stood
feeds      RSS 2.0, Atom 1.0 and RDF Site Summary 1.0
pages      pages for people, pictures
site       requests to answers; faults
server     answers over HTTP/1.1
========== ==========================================================================
"""
