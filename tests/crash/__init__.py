"""Crash safety: everything runs as real processes, under load, and is killed and broken at random.

    python -m tests.crash --seed N --minutes M

docs/crash-safety.md says what it proves and how to read its table.

======== ============================================================================
plan     what is done when, from the seed alone
disk     a disk of a size, which can be full
memory   a limit on the memory of some processes
clocks   clocks that are wrong
rollout  what is changed member by member: configuration, release
hosts    hosts of our own: network namespaces, names, disks
programs processes that are started, killed, stopped, and started again
cluster  all programs: agency, PostgreSQL, Redis, beats, workers, webs, the reader
faults   how each fault is carried out
between  faults between hosts, and of whole hosts
relay    a bad line before PostgreSQL
hub      an agency's hub, which pushes one wire
browser  the desk in the browser, by its forms
keys     whoever rotates and revokes keys
watch    what is seen of the database meanwhile; the desk, which writes headlines, kills and holds
reader   a subscriber: fetches every feed in every format, and checks each answer
night    what grows over many hours
judge    what must be true at the end
harness  a whole run
======== ============================================================================
"""
