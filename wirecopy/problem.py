"""The one error of the verifier: something in hand is not what it has to be."""


class Refused(ValueError):  # noqa: N818 (it reads as what happened)
    """What is wrong, in one clause that can stand in a table."""


class Missing(Refused):
    """What would have to be looked at is not to be had."""
