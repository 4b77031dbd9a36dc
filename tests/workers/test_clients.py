"""Clients lent out: each to one thread at a time, the warm ones first, not too many kept."""

from contextlib import ExitStack

import pytest

from workers.clients import KEPT, Clients


def test_one_after_the_other_has_the_same_client() -> None:
    clients = Clients()
    with clients.one() as first:
        pass
    with clients.one() as again:
        assert again is first


def test_nobody_has_the_client_of_another() -> None:
    clients = Clients()
    with ExitStack() as stack:
        lent = [stack.enter_context(clients.one()) for _ in range(KEPT + 2)]
        assert len(set(map(id, lent))) == KEPT + 2
    with ExitStack() as stack:
        again = [stack.enter_context(clients.one()) for _ in range(KEPT + 2)]
        assert len(set(map(id, again)) & set(map(id, lent))) == KEPT


def test_a_client_that_an_error_found_at_work_is_not_lent_again() -> None:
    clients = Clients()
    with pytest.raises(RuntimeError), clients.one() as broken:
        raise RuntimeError
    with clients.one() as another:
        assert another is not broken
