"""Every setting: what it may be, where it is looked up, and the message for a wrong one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import pytest

from taskhandler.config.settings import CERTS_URL, ISSUERS, KEYS, Settings, read_settings
from taskhandler.errors import ConfigError

ENOUGH = {"TASK_TARGET_URL": "https://shop.run.app/tasks", "TASK_SERVICE_ACCOUNT_EMAIL": "queue@shop.example"}
HUGE = "9" * 5000


def read(configured: Mapping[str, object] | None = None, **environ: str) -> Settings:
    return read_settings({**ENOUGH, **(configured or {})}, environ, instance="/srv/shop", debug=False)


def test_the_defaults_are_those_of_the_contract():
    assert read() == Settings(
        audience=("https://shop.run.app/tasks",),
        service_accounts=("queue@shop.example",),
        auth="oidc",
        ledger="sqlite:////srv/shop/taskhandler.db",
        namespace="",
        lease=30.0,
        max_attempts=None,
        retention=35 * 86400.0,
        in_flight_status=429,
        in_flight_wait=0.0,
        queue_max_attempts=100,
        retry_after=10.0,
        max_body=1048576,
        certs_url=CERTS_URL,
        issuers=ISSUERS,
        app_engine=False,
        on_cloud_run=False,
        project="",
        location="",
        queue="",
        target_url="https://shop.run.app/tasks",
        service_account="queue@shop.example",
        emulator_host="",
    )


def test_the_settings_are_exactly_those_of_the_contract():
    ours = "AUDIENCE SERVICE_ACCOUNTS AUTH LEDGER NAMESPACE LEASE MAX_ATTEMPTS RETENTION IN_FLIGHT_STATUS"
    others = "IN_FLIGHT_WAIT QUEUE_MAX_ATTEMPTS RETRY_AFTER MAX_BODY CERTS_URL ISSUERS APP_ENGINE"
    assert {*ours.split(), *others.split()} == KEYS


GOOD: list[tuple[str, object, str, object]] = [
    ("TASKHANDLER_AUDIENCE", "https://a", "audience", ("https://a",)),
    ("TASKHANDLER_AUDIENCE", " a , b ", "audience", ("a", "b")),
    ("TASKHANDLER_AUDIENCE", ["a", "b"], "audience", ("a", "b")),
    ("TASKHANDLER_SERVICE_ACCOUNTS", "a@b.c,d@e.f", "service_accounts", ("a@b.c", "d@e.f")),
    ("TASKHANDLER_SERVICE_ACCOUNTS", ("a@b.c",), "service_accounts", ("a@b.c",)),
    ("TASKHANDLER_SERVICE_ACCOUNTS", {"a@b.c": 1}.keys(), "service_accounts", ("a@b.c",)),
    ("TASKHANDLER_AUTH", "oidc", "auth", "oidc"),
    ("TASKHANDLER_AUTH", " oidc\n", "auth", "oidc"),
    ("TASKHANDLER_LEDGER", " memory:// ", "ledger", "memory://"),
    ("TASKHANDLER_NAMESPACE", "north", "namespace", "north"),
    ("TASKHANDLER_LEASE", "1", "lease", 1.0),
    ("TASKHANDLER_LEASE", " 1e1\n", "lease", 10.0),
    ("TASKHANDLER_LEASE", Decimal("1.5"), "lease", 1.5),
    ("TASKHANDLER_LEASE", 1800, "lease", 1800.0),
    ("TASKHANDLER_LEASE", timedelta(minutes=1), "lease", 60.0),
    ("TASKHANDLER_MAX_ATTEMPTS", "8", "max_attempts", 8),
    ("TASKHANDLER_MAX_ATTEMPTS", " 8\n", "max_attempts", 8),
    ("TASKHANDLER_MAX_ATTEMPTS", 1, "max_attempts", 1),
    ("TASKHANDLER_RETENTION", timedelta(days=1), "retention", 86400.0),
    ("TASKHANDLER_RETENTION", "315360000", "retention", 315360000.0),
    ("TASKHANDLER_IN_FLIGHT_STATUS", 409, "in_flight_status", 409),
    ("TASKHANDLER_IN_FLIGHT_STATUS", "429", "in_flight_status", 429),
    ("TASKHANDLER_IN_FLIGHT_WAIT", "0.5", "in_flight_wait", 0.5),
    ("TASKHANDLER_IN_FLIGHT_WAIT", ".5", "in_flight_wait", 0.5),
    ("TASKHANDLER_QUEUE_MAX_ATTEMPTS", "5", "queue_max_attempts", 5),
    ("TASKHANDLER_RETRY_AFTER", 3600, "retry_after", 3600.0),
    ("TASKHANDLER_MAX_BODY", "1000", "max_body", 1000),
    ("TASKHANDLER_CERTS_URL", "http://localhost:1/certs", "certs_url", "http://localhost:1/certs"),
    ("TASKHANDLER_ISSUERS", "https://issuer.local", "issuers", ("https://issuer.local",)),
    ("TASKHANDLER_APP_ENGINE", True, "app_engine", True),
    ("TASKHANDLER_APP_ENGINE", "True", "app_engine", True),
    ("TASKHANDLER_APP_ENGINE", " ON ", "app_engine", True),
    ("TASKHANDLER_APP_ENGINE", 1, "app_engine", True),
    ("TASKHANDLER_APP_ENGINE", "0", "app_engine", False),
    ("TASKHANDLER_APP_ENGINE", False, "app_engine", False),
    ("TASKHANDLER_APP_ENGINE", "No", "app_engine", False),
    ("GCP_PROJECT_ID", "example.com:shop-1", "project", "example.com:shop-1"),
    ("GCP_LOCATION_ID", "europe-west1", "location", "europe-west1"),
    ("GCP_TASK_QUEUE_ID", "orders", "queue", "orders"),
    ("TASK_TARGET_URL", "https://shop.run.app/tasks/", "target_url", "https://shop.run.app/tasks"),
    ("TASK_TARGET_URL", "https://shop.run.app/X//", "target_url", "https://shop.run.app/X"),
    ("TASK_TARGET_URL", "http://127.0.0.1:5000/t", "target_url", "http://127.0.0.1:5000/t"),
    ("TASK_TARGET_URL", "http://[::1]:5000", "target_url", "http://[::1]:5000"),
    ("TASK_SERVICE_ACCOUNT_EMAIL", "a@b.c", "service_account", "a@b.c"),
    ("TASK_SERVICE_ACCOUNT_EMAIL", ["a@b.c"], "service_account", "a@b.c"),
    ("CLOUD_TASKS_EMULATOR_HOST", "localhost:8123", "emulator_host", "localhost:8123"),
    ("CLOUD_TASKS_EMULATOR_HOST", "[::1]:8123", "emulator_host", "[::1]:8123"),
]


@pytest.mark.parametrize(("key", "value", "field", "expected"), GOOD)
def test_a_valid_value_of_the_configuration_is_read(key: str, value: object, field: str, expected: object):
    read_back = getattr(read({key: value}), field)
    assert (read_back, type(read_back)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("key", "value", "field", "expected"), [case for case in GOOD if type(case[1]) is str]
)
def test_a_valid_value_of_the_environment_is_read(key: str, value: str, field: str, expected: object):
    environ = {**ENOUGH, key: value}
    assert getattr(read_settings({}, environ, instance="/srv", debug=False), field) == expected


BAD: list[tuple[str, list[object]]] = [
    ("TASKHANDLER_AUDIENCE", [5, [], [""], ["a", 5], ["a", None], {"a": 1}, b"a", "a,,b", " "]),
    ("TASKHANDLER_SERVICE_ACCOUNTS", [5, [], ["nobody"], "a@b", "@b.c", "a b@c.d", "a@b@c.d", "a@b.c\n@"]),
    ("TASKHANDLER_AUTH", ["OIDC", "off", "None", False, 0, ["oidc"]]),
    ("TASKHANDLER_LEDGER", [5, ["memory://"], True]),
    ("TASKHANDLER_NAMESPACE", [5, b"north"]),
    ("TASKHANDLER_LEASE", ["0.9", 0, -1, 1801, "nan", "inf", HUGE, True, "30s", [30], timedelta(0), " "]),
    ("TASKHANDLER_MAX_ATTEMPTS", [0, "0", -1, 1.5, 8.0, "8.0", True, HUGE, "many", [8]]),
    ("TASKHANDLER_RETENTION", [86399, "35", 3651 * 86400, float("nan"), timedelta(days=3651), {}]),
    ("TASKHANDLER_IN_FLIGHT_STATUS", [200, "503", 429.0, True, "no"]),
    ("TASKHANDLER_IN_FLIGHT_WAIT", [-0.1, 1801, "-1", "for ever", False]),
    ("TASKHANDLER_QUEUE_MAX_ATTEMPTS", [0, -1, "-1", "1e2", 100.0]),
    ("TASKHANDLER_RETRY_AFTER", [0, 0.9, 3601, "soon", float("-inf")]),
    ("TASKHANDLER_MAX_BODY", [0, -5, "1MiB", 0.5]),
    ("TASKHANDLER_CERTS_URL", [5, ["https://a"]]),
    ("TASKHANDLER_ISSUERS", [5, [], [""], b"a"]),
    ("TASKHANDLER_APP_ENGINE", ["maybe", 2, [], "yes please"]),
    ("GCP_PROJECT_ID", ["projects/shop", 5, "a b"]),
    ("GCP_LOCATION_ID", ["locations/here", 5]),
    ("GCP_TASK_QUEUE_ID", ["projects/p/locations/l/queues/q", 5]),
    ("TASK_TARGET_URL", ["shop.run.app/tasks", "http://shop.run.app", "ftp://a", "https://", "https:///x"]),
    ("TASK_TARGET_URL", ["https://[::1", "https://a:b/tasks", "https://a:99999", "https://a b/t", 5]),
    (
        "TASK_TARGET_URL",
        ["https://a/t?x", "https://a/t?", "https://a/t#x", "https://a/\nt", "http://[::2]"],
    ),
    ("TASK_SERVICE_ACCOUNT_EMAIL", ["nobody", 5, "a@b.c,d@e.f", " ", ["a@b.c", "d@e.f"], []]),
    (
        "CLOUD_TASKS_EMULATOR_HOST",
        ["localhost", "http://localhost:1", "localhost:", ":1", "a:1/b", "::1:1", 5],
    ),
]


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in BAD for value in values])
def test_an_invalid_value_is_refused_with_its_key_and_value(key: str, value: object):
    with pytest.raises(ConfigError) as refused:
        read({key: value})
    assert (refused.value.key, refused.value.value) == (key, value) or refused.value.value is value
    assert str(refused.value).startswith(f"{key} = {value!r}: ")


@pytest.mark.parametrize(
    ("url", "shown", "problem"),
    [
        ("https://u:p4ss@h/tasks", "https://u:***@h/tasks", "must be a URL without a user or a password"),
        (" https://u:p4ss@h/tasks/", " https://u:***@h/tasks/", "must be a URL without a user or a password"),
        ("https://u:p4@ss@h:1/t", "https://u:***@h:1/t", "must be a URL without a user or a password"),
        ("https://p4ss@h/tasks", "https://***@h/tasks", "must be a URL without a user or a password"),
        ("https://:p4ss@h", "https://***@h", "must be a URL without a user or a password"),
        ("https://@h/tasks", "https://***@h/tasks", "must be a URL without a user or a password"),
        (
            "http://u:p4ss@localhost/t",
            "http://u:***@localhost/t",
            "must be a URL without a user or a password",
        ),
        ("http://u:p4ss@h/t", "http://u:***@h/t", "must be an https URL"),
        ("https://u:p4ss@h:99999/t", "https://u:***@h:99999/t", "must be an https URL"),
        ("https://h/t?key=p4ss", "https://h/t?key=***", "must be a URL without a query or a fragment"),
    ],
)
def test_a_target_url_with_a_user_or_password_is_refused_and_shown_without_it(
    url: str, shown: str, problem: str
):
    with pytest.raises(ConfigError) as refused:
        read({"TASK_TARGET_URL": url})
    assert str(refused.value).startswith(f"TASK_TARGET_URL = {shown!r}: {problem}")
    assert "p4" not in str(refused.value)


def test_an_at_sign_in_the_path_of_a_target_url_is_not_read_as_a_user():
    assert read({"TASK_TARGET_URL": "https://h/@tasks"}).target_url == "https://h/@tasks"


def test_a_password_in_the_certificates_url_is_not_shown():
    with pytest.raises(ConfigError) as refused:
        read({"TASKHANDLER_CERTS_URL": "https://u:p4ss@h/certs?key=p4ss"}, K_SERVICE="shop")
    assert "TASKHANDLER_CERTS_URL = 'https://u:***@h/certs?key=***': " in str(refused.value)


@pytest.mark.parametrize("key", sorted({case[0] for case in GOOD} - ENOUGH.keys()))
@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_value_means_the_default(key: str, empty: str | None):
    assert read({key: empty}) == read()
    assert read(None, **{key: ""}) == read()


def test_the_configuration_takes_precedence_over_the_environment():
    assert read({"TASKHANDLER_LEASE": 20}, TASKHANDLER_LEASE="40").lease == 20.0
    assert read({"TASKHANDLER_LEASE": None}, TASKHANDLER_LEASE="40").lease == 40.0
    assert read({"TASKHANDLER_LEASE": ""}, TASKHANDLER_LEASE="40").lease == 30.0


def test_project_and_location_make_the_namespace():
    place = {"GCP_PROJECT_ID": "shop", "GCP_LOCATION_ID": "europe-west1"}
    assert read(place).namespace == "shop/europe-west1"
    assert read({**place, "TASKHANDLER_NAMESPACE": "north"}).namespace == "north"
    assert read({"GCP_PROJECT_ID": "shop"}).namespace == ""


def test_the_default_ledger_opens_in_a_folder_of_any_name():
    settings = read_settings(ENOUGH, {}, instance="/srv/a b%20c?d#e", debug=False)
    assert settings.ledger == "sqlite:////srv/a%20b%2520c%3Fd%23e/taskhandler.db"


@pytest.mark.parametrize(
    "variable",
    [
        "TASKHANDLER_SERVICE_HOST",
        "TASKHANDLER_SERVICE_PORT_HTTP",
        "TASKHANDLER_PORT",
        "TASKHANDLER_PORT_80_TCP_ADDR",
    ],
)
def test_a_variable_that_kubernetes_sets_for_a_service_named_taskhandler_is_ignored(variable: str):
    assert read(None, **{variable: "tcp://10.0.0.1:80"}) == read()


class Storage:
    """What a ledger is recognised by."""

    def __init__(self, create: object) -> None:
        self.create = create


def test_a_storage_that_the_app_has_made_is_the_ledger():
    storage = Storage(print)
    assert read({"TASKHANDLER_LEDGER": storage}).ledger is storage


def test_an_object_that_cannot_create_records_is_refused_as_a_ledger():
    with pytest.raises(ConfigError, match=r"TASKHANDLER_LEDGER = .*: must be a string"):
        read({"TASKHANDLER_LEDGER": Storage(None)})
