"""The simulated agency: a wire service that does not exist, for the demonstration and for tests.

Who reads how a wire becomes a feed can leave this folder out.

Everything it publishes is invented and says so: in the channel's title, in every dateline
("(SIM)"), in the rights, in the header ``X-Simulation: yes`` and in large letters on its pages.
Its core is pure: which stories stand on which wire follows from a seed and a moment alone.

The agency plays the other side. It shares no code with the rooms that read its wires or write
Wirecopy's feeds; only ``server``, ``run`` and ``__main__`` touch a clock or a socket.

========== ==========================================================================
run        ``wirecopy demo``: the agency, a newsroom and its desk, all at once
items      the values: a story as it stands on a wire, an edition, a standing wire
writing    ``copy.json`` and its variations: from an edition to the words
newswire   a :class:`~desk.demo.newswire.Script`: the demonstration, moment by moment
feeds      RSS 2.0, Atom 1.0 and RDF Site Summary 1.0
delivery   a story as it is delivered to newsrooms
news_xml   NITF, NewsML 1 and NewsML-G2
news_json  ninjs and the AP Media API
news_lines IPTC 7901 and ANPA 1312
formats    each format by the ending of its address
signing    JSON Feed, signed
pages      pages for people, pictures
site       requests to answers
server     answers over HTTP
========== ==========================================================================
"""
