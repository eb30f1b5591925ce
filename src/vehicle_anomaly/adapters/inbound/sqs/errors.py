"""Why a request cannot be answered now, or ever; neither is a refusal, so no result is sent."""


class UndecodableRequest(Exception):
    """A body that is no request: the redrive policy takes the message to the dead-letter queue, untouched.

    The message says what is wrong and where, and never repeats a value of the request.
    """


class InfrastructureFault(Exception):
    """Something this worker depends on does not answer; the same request may succeed later."""


class QueueUnusable(Exception):
    """The worker cannot start with its queues; the message names the variable, in one line."""
