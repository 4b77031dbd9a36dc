"""Patches kombu 5.7's Redis transport, with which a worker can hang after a broker's death.

A worker takes as many messages as it has processes, then stops reading from the broker until one
of them is acknowledged. If the broker dies meanwhile, the acknowledgement fails, and the transport
goes on counting the message as unacknowledged. When that happens to all messages, the worker never
reads again and never notices: measured, with every process busy while the broker restarted, it
hung each time, alive and idle beside a growing queue.

With this patch a message no longer counts once its task is over, whether or not it could be
acknowledged. The worker then reads, finds the connection dead, and connects again. The message
stays in the broker and is delivered again after the visibility timeout; tasks are safe to run
twice.

And it says when a message was taken by the host's own clock, to hosts with clocks of their own: one
that is an hour ahead would deliver all that others are at work on again, every quarter of a minute.
So it says that by the clock that all of them follow.
"""

from typing import Any

from kombu.transport import redis, virtual
from kombu.transport.redis import Channel, QoS

from stories import clock


class ForgivingQoS(QoS):
    """Stops counting a message even when it could not be acknowledged."""

    def ack(self, delivery_tag: Any) -> None:
        """Acknowledge; the message no longer counts in any case."""
        try:
            super().ack(delivery_tag)
        finally:
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: Any, requeue: bool = False) -> None:
        """Return or drop; the message no longer counts in any case."""
        try:
            super().reject(delivery_tag, requeue=requeue)
        finally:
            virtual.QoS.ack(self, delivery_tag)


def install() -> None:
    """Patch every Redis channel of this process."""
    Channel.QoS = ForgivingQoS
    vars(redis)["time"] = lambda: clock.now().timestamp()
