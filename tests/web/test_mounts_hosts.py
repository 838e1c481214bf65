"""Which URLs handlers have whose blueprints answer under different hosts."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from taskhandler import ConfigError, Handler, UsageError
from taskhandler.handlers.options import Options
from taskhandler.web.mounts import Mounts


def handler_of() -> Handler[Any, Any]:
    return Handler(lambda _: None, name="run", options=Options())


def test_handlers_of_one_path_in_two_subdomains_are_separate():
    mounts = Mounts("")
    mounts.add("billing", "/tasks", [handler_of()], host="billing.shop.com", endpoints={})
    mounts.add("mail", "/tasks", [handler_of()], host="mail.shop.com", endpoints={})


def mounted(target: str, *places: tuple[str, str]) -> tuple[Mounts, list[Handler[Any, Any]]]:
    """A handler `run` at each of the places, hosts and prefixes."""
    mounts, handlers = Mounts(target), [handler_of() for _ in places]
    for (host, prefix), handler in zip(places, handlers, strict=True):
        mounts.add("tasks", prefix, [handler], host=host, endpoints={})
    return mounts, handlers


A, B, C = ("a.shop.com", "/tasks"), ("b.shop.com", "/tasks"), ("a.shop.com", "/mail")


@pytest.mark.parametrize("places", list(itertools.permutations([A, B, C])))
@pytest.mark.parametrize("target", ["https://a.shop.com/tasks", "https://A.shop.com:8080/tasks"])
def test_a_handler_under_another_host_does_not_get_the_targets_url(
    target: str, places: tuple[tuple[str, str], ...]
):
    mounts, handlers = mounted(target, *places)
    found = dict(zip(places, handlers, strict=True))
    assert mounts.url_of(found[A]) == f"{target}/run"
    assert mounts.url_of(found[C]) == f"{target.removesuffix('/tasks')}/mail/run"
    with pytest.raises(UsageError) as refused:
        mounts.url_of(found[B])
    assert str(refused.value) == (
        "<Handler 'run'> answers under b.shop.com, and TASK_TARGET_URL has the host a.shop.com. "
        "Mount it there, or in an app of its own"
    )


@pytest.mark.parametrize("target", ["https://service.run.app/tasks", "https://a.shop.com.net/tasks"])
def test_a_target_whose_host_is_not_one_of_several_is_refused(target: str):
    mounts, (handler, _) = mounted(target, A, B)
    with pytest.raises(ConfigError, match=r"one of its mounts: a\.shop\.com/tasks, b\.shop\.com/tasks"):
        mounts.url_of(handler)


def test_a_target_may_have_any_host_if_the_app_has_but_one():
    mounts, (handler, other) = mounted("https://service.run.app/tasks", A, C)
    assert mounts.url_of(handler) == "https://service.run.app/tasks/run"
    assert mounts.url_of(other) == "https://service.run.app/mail/run"


def test_a_handler_under_several_hosts_has_the_url_that_the_target_names():
    mounts, handler = Mounts("https://b.shop.com/tasks"), handler_of()
    for host, prefix in (A, B):
        mounts.add("tasks", prefix, [handler], host=host, endpoints={})
    assert mounts.url_of(handler) == "https://b.shop.com/tasks/run"
