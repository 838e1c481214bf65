"""Which URLs handlers have, and which mounts cannot be."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Blueprint, Flask

from taskhandler import ConfigError, Handler, TaskBlueprint, UsageError
from taskhandler.devqueue import LocalQueue
from taskhandler.handlers.options import Options
from taskhandler.web.assembly import Assembly
from taskhandler.web.mounts import Mounts
from tests.web.local_app import headers_of, outcome


def handler_of(name: str = "run") -> Handler[Any, Any]:
    return Handler(lambda _: None, name=name, options=Options())


def urls(target: str, *prefixes: str) -> list[str]:
    """The URL of a handler `run` at each of the prefixes, whose blueprints are mounted in this order."""
    mounts, handlers = Mounts(target), [handler_of() for _ in prefixes]
    for prefix, handler in zip(prefixes, handlers, strict=True):
        mounts.add(f"at {prefix}", prefix, [handler], endpoints={})
    return [mounts.url_of(handler) for handler in handlers]


@pytest.mark.parametrize(
    ("target", "prefix", "url"),
    [
        ("https://h/tasks", "/tasks", "https://h/tasks/run"),
        ("https://h/api/tasks", "/tasks", "https://h/api/tasks/run"),
        ("https://h/api/tasks", "/api/tasks", "https://h/api/tasks/run"),
        ("https://h:8080/a/b/c", "/b/c", "https://h:8080/a/b/c/run"),
        ("http://127.0.0.1:5000/t", "/t", "http://127.0.0.1:5000/t/run"),
        ("https://h/t%C3%A2ches", "/tâches", "https://h/t%C3%A2ches/run"),
        ("https://h/tâches", "/tâches", "https://h/tâches/run"),
    ],
)
def test_the_url_of_a_handler_is_below_its_mount(target: str, prefix: str, url: str):
    assert urls(target, prefix) == [url]


@pytest.mark.parametrize(
    ("target", "of_billing", "of_mail"),
    [
        ("https://h/billing", "https://h/billing/run", "https://h/mail/run"),
        ("https://h/mail", "https://h/billing/run", "https://h/mail/run"),
        ("https://h/api/billing", "https://h/api/billing/run", "https://h/api/mail/run"),
    ],
)
def test_each_blueprint_has_its_own_mount_in_whatever_order_they_come(
    target: str, of_billing: str, of_mail: str
):
    assert urls(target, "/billing", "/mail") == [of_billing, of_mail]
    assert urls(target, "/mail", "/billing") == [of_mail, of_billing]


def test_a_mount_may_be_deeper_than_the_one_that_is_named():
    assert urls("https://h/x/tasks", "/tasks", "/internal/mail") == [
        "https://h/x/tasks/run",
        "https://h/x/internal/mail/run",
    ]


def test_the_prefix_of_a_mount_is_quoted_in_its_urls():
    assert urls("https://h/tasks", "/tasks", "/tâches x")[1] == "https://h/t%C3%A2ches%20x/run"


@pytest.mark.parametrize("order", list(itertools.permutations(["/tasks", "/api/tasks", "/mail"])))
def test_of_several_mounts_that_match_the_target_the_longest_is_used(order: tuple[str, ...]):
    found = dict(zip(order, urls("https://h/api/tasks", *order), strict=True))
    assert found == {
        "/tasks": "https://h/tasks/run",
        "/api/tasks": "https://h/api/tasks/run",
        "/mail": "https://h/mail/run",
    }


@pytest.mark.parametrize("target", ["https://h", "http://localhost:5000"])
def test_a_target_without_a_path_is_refused_at_registration(target: str):
    with pytest.raises(ConfigError) as refused:
        urls(target, "/tasks")
    assert str(refused.value) == (
        f"TASK_TARGET_URL = {target!r}: it is the root of a service, where no task blueprint can be mounted. "
        "Set it to the service's URL and one of its mounts: /tasks"
    )


WRONG = ["https://h/jobs", "https://h/task", "https://h/xtasks", "https://h/tasks/run", "https://h/Tasks"]


@pytest.mark.parametrize("target", WRONG)
def test_a_target_without_a_mounted_blueprint_is_warned_of_and_refused_when_used(
    target: str, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(ConfigError) as refused:
        urls(target, "/tasks", "/mail")
    remedy = "Set it to the service's URL and one of its mounts: /tasks"
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", f"TASK_TARGET_URL = {target!r}: no task blueprint is mounted there yet. {remedy}"),
        (
            "WARNING",
            f"TASK_TARGET_URL = {target!r}: no task blueprint is mounted there yet. {remedy}, /mail",
        ),
    ]
    problem = "no task blueprint is mounted there"
    assert str(refused.value) == f"TASK_TARGET_URL = {target!r}: {problem}. {remedy}, /mail"


def test_a_target_with_a_mounted_blueprint_causes_no_warning(caplog: pytest.LogCaptureFixture):
    urls("https://h/billing", "/billing", "/mail")
    assert not caplog.records


def test_a_target_that_is_not_set_is_an_error_when_a_task_is_created():
    with pytest.raises(ConfigError, match="TASK_TARGET_URL is not set: tasks cannot be created without it"):
        urls("", "/tasks")


def test_a_handler_that_is_not_mounted_has_no_url():
    with pytest.raises(UsageError, match="<Handler 'run'> is not mounted in this app"):
        Mounts("https://h/tasks").url_of(handler_of())


def test_a_handler_mounted_twice_has_the_url_that_the_target_names():
    mounts, handler = Mounts("https://h/b"), handler_of()
    mounts.add("tasks", "/a", [handler], endpoints={})
    mounts.add("tasks", "/b", [handler], endpoints={})
    assert mounts.url_of(handler) == "https://h/b/run"


def test_a_handler_mounted_twice_away_from_the_target_is_refused_as_ambiguous():
    mounts, handler = Mounts("https://h/mail"), handler_of()
    for prefix in ("/a", "/mail", "/b"):
        mounts.add("tasks", prefix, [] if prefix == "/mail" else [handler], endpoints={})
    with pytest.raises(UsageError, match="<Handler 'run'> is mounted at /a, /b: which of its URLs"):
        mounts.url_of(handler)


def test_two_handlers_of_one_url_are_refused():
    mounts = Mounts("")
    mounts.add("billing", "/tasks", [handler_of("charge"), handler_of("run")], endpoints={})
    with pytest.raises(UsageError) as refused:
        mounts.add("mail", "/tasks", [handler_of("send"), handler_of("run")], endpoints={})
    assert str(refused.value) == (
        "blueprint 'mail': /tasks/run is already the URL of a handler of blueprint 'billing'. "
        "Give the handler another name, or the blueprint another url_prefix"
    )
    mounts.add("mail", "/tasks", [handler_of("send")], endpoints={})  # nothing of the refused one is left


def test_a_mount_below_a_handler_does_not_shadow_it():
    mounts = Mounts("https://h/tasks")
    outer, inner = handler_of("a"), handler_of("a")
    mounts.add("outer", "/tasks", [outer], endpoints={})
    mounts.add("inner", "/tasks/a", [inner], endpoints={})
    assert (mounts.url_of(outer), mounts.url_of(inner)) == ("https://h/tasks/a", "https://h/tasks/a/a")


@pytest.mark.parametrize("path", ["/tasks/run", "/tasks/run/"])
def test_a_handler_at_the_url_of_another_route_is_refused(path: str):
    with pytest.raises(
        UsageError, match="blueprint 'mail': /tasks/run is already the URL of the endpoint 'page'"
    ):
        Mounts("").add("mail", "/tasks", [handler_of()], endpoints={path: "page"})


QUEUE = "projects/shop/locations/here/queues/orders"


@pytest.fixture(scope="module")
def queue() -> Iterator[LocalQueue]:
    with LocalQueue(seed=0) as queue:
        queue.create_queue(QUEUE)
        queue.client().pause_queue(name=QUEUE)
        yield queue


def app_for(queue: LocalQueue, target: str) -> Flask:
    app = Flask(__name__)
    app.config.update(
        TESTING=True,
        TASKHANDLER_AUTH="none",
        TASKHANDLER_LEDGER="memory://",
        TASK_TARGET_URL=target,
        GCP_PROJECT_ID="shop",
        GCP_LOCATION_ID="here",
        GCP_TASK_QUEUE_ID="orders",
        CLOUD_TASKS_EMULATOR_HOST=queue.address,
    )
    return app


class Team:
    """A blueprint with a handler `run` that notes who ran."""

    def __init__(self, name: str, ran: list[str]) -> None:
        self.tasks = TaskBlueprint(name, __name__)
        self.run = self.tasks.handler("run")(lambda _: ran.append(name))

    def url_in(self, app: Flask, queue: LocalQueue) -> str:
        """Where a task that is enqueued in `app` will be sent."""
        with app.app_context():
            ref = self.run.enqueue({})
        return str(queue.client().get_task(name=ref.name).http_request.url)


def deliver(app: Flask, url: str) -> tuple[int, str]:
    path = urlsplit(url).path
    return outcome(app.test_client().post(path, data=b"{}", headers=headers_of(path.replace("/", "-"))))


@pytest.mark.parametrize("billing_first", [True, False])
def test_a_task_goes_to_the_handler_of_its_own_blueprint(queue: LocalQueue, billing_first: bool):  # noqa: FBT001 - a parameter of the test
    ran: list[str] = []
    billing, mail = Team("billing", ran), Team("mail", ran)
    app = app_for(queue, "https://h/billing")
    for team in (billing, mail) if billing_first else (mail, billing):
        app.register_blueprint(team.tasks, url_prefix=f"/{team.tasks.name}")
    assert billing.url_in(app, queue) == "https://h/billing/run"
    assert mail.url_in(app, queue) == "https://h/mail/run"
    for team in (billing, mail):
        assert deliver(app, team.url_in(app, queue)) == (200, "completed")
    assert ran == ["billing", "mail"]


def test_a_nested_blueprint_has_the_mounts_of_all_around_it(queue: LocalQueue):
    ran: list[str] = []
    team, outer, app = (
        Team("mail", ran),
        Blueprint("outer", __name__),
        app_for(queue, "https://h/api/in/mail"),
    )
    outer.register_blueprint(team.tasks, url_prefix="/mail")
    app.register_blueprint(outer, url_prefix="/in")
    url = team.url_in(app, queue)
    assert url == "https://h/api/in/mail/run"
    assert deliver(app, url.replace("/api", "")) == (200, "completed")  # the proxy takes its prefix away
    assert ran == ["mail"]


def test_a_blueprint_in_two_apps_has_the_url_of_the_app_that_asks(queue: LocalQueue):
    team = Team("mail", [])
    one, two = app_for(queue, "https://one/a"), app_for(queue, "https://two/b")
    one.register_blueprint(team.tasks, url_prefix="/a")
    two.register_blueprint(team.tasks, url_prefix="/b/")
    assert team.url_in(one, queue) == "https://one/a/run"
    assert team.url_in(two, queue) == "https://two/b/run"


def test_an_app_without_the_blueprint_cannot_enqueue_for_it(queue: LocalQueue):
    app = app_for(queue, "https://h/billing")
    app.register_blueprint(Team("billing", []).tasks, url_prefix="/billing")
    with pytest.raises(UsageError, match="not mounted in this app"):
        Team("mail", []).url_in(app, queue)


def test_a_service_root_as_the_target_is_refused_when_the_blueprint_is_registered(queue: LocalQueue):
    with pytest.raises(ConfigError, match=r"TASK_TARGET_URL = 'https://h': .*one of its mounts: /tasks"):
        app_for(queue, "https://h").register_blueprint(Team("mail", []).tasks, url_prefix="/tasks")


def test_a_second_handler_at_a_url_is_refused_when_its_blueprint_is_registered(queue: LocalQueue):
    ran: list[str] = []
    app = app_for(queue, "https://h/tasks")
    app.register_blueprint(Team("billing", ran).tasks, url_prefix="/tasks")
    with pytest.raises(UsageError, match="/tasks/run is already the URL of a handler of blueprint 'billing'"):
        app.register_blueprint(Team("mail", ran).tasks, url_prefix="/tasks/")
    assert deliver(app, "https://h/tasks/run") == (200, "completed")
    assert ran == ["billing"]


def test_registering_a_blueprint_adds_its_mount_to_the_assembly(
    queue: LocalQueue, caplog: pytest.LogCaptureFixture
):
    team, app = Team("mail", []), app_for(queue, "https://h/tasks")
    with caplog.at_level(logging.WARNING, "taskhandler"):
        app.register_blueprint(team.tasks, url_prefix="/mail")
    assert "no task blueprint is mounted there yet" in caplog.text
    assembly = app.extensions["taskhandler"]
    assert isinstance(assembly, Assembly)
    with pytest.raises(ConfigError, match="no task blueprint is mounted there"):
        assembly.mounts.url_of(team.run)
