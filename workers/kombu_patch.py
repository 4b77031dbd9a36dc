"""Keeps a worker from waiting for ever after a broker's death: a mend of kombu 5.7's transport.

A worker takes as many messages as it has processes, then stops listening to the broker until one
of them is acknowledged. If the broker dies meanwhile, the acknowledgement fails, and the transport
goes on counting the message as held. When that happens to all of them, the worker never listens
again and so never notices either: measured, with every process busy while the broker restarted,
it hung each time, alive and idle beside a filling queue.

Here a message is no longer counted once its task is over, whether or not the broker could be told.
The worker then listens, finds the connection dead, and connects anew. The message itself stays in
the broker and is handed out again after the visibility timeout, which tasks are safe against.
"""

from typing import Any

from kombu.transport import virtual
from kombu.transport.redis import Channel, QoS


class Credit(QoS):
    """Counts a message as done with even when the broker could not be told."""

    def ack(self, delivery_tag: Any) -> None:
        """Acknowledge; the credit comes back in any case."""
        try:
            super().ack(delivery_tag)
        finally:
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: Any, requeue: bool = False) -> None:
        """Give back or drop; the credit comes back in any case."""
        try:
            super().reject(delivery_tag, requeue=requeue)
        finally:
            virtual.QoS.ack(self, delivery_tag)


def install() -> None:
    """Have every Redis channel of this process count so."""
    Channel.QoS = Credit
