"""What is refused before anything is received: strangers among the settings, and doors left open."""

from __future__ import annotations

import pytest

from taskhandler.config.settings import CERTS_URL, ISSUERS, read_settings
from taskhandler.errors import ConfigError

ENOUGH = {"TASK_TARGET_URL": "https://shop.run.app/tasks", "TASK_SERVICE_ACCOUNT_EMAIL": "queue@shop.example"}
CLOUD_RUN = {"K_SERVICE": "shop"}


def refusal(
    configured: dict[str, object], environ: dict[str, str] | None = None, *, debug: bool = False
) -> ConfigError:
    with pytest.raises(ConfigError) as refused:
        read_settings(configured, environ or {}, instance="/srv", debug=debug)
    return refused.value


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("TASKHANDLER_LEAS", "TASKHANDLER_LEASE"),
        ("TASKHANDLER_AUDIENCES", "TASKHANDLER_AUDIENCE"),
        ("TASKHANDLER_SERVICE_ACCOUNT", "TASKHANDLER_SERVICE_ACCOUNTS"),
    ],
)
def test_a_misspelt_setting_is_refused_with_a_guess(key: str, meant: str):
    for refused in (refusal({**ENOUGH, key: "5"}), refusal({**ENOUGH}, {key: "5"})):
        assert str(refused) == f"{key} = '5': there is no such setting. Did you mean {meant}?"
        assert (refused.key, refused.value) == (key, "5")


def test_a_setting_that_is_like_none_of_ours_is_refused_all_the_same():
    refused = refusal({**ENOUGH, "TASKHANDLER_ZZZ": ""})
    assert str(refused) == (
        "TASKHANDLER_ZZZ = '': there is no such setting. docs/settings.md tells all there are"
    )


def test_settings_of_others_are_no_business_of_ours():
    read_settings({**ENOUGH, "TASK_HANDLER": 1, "SECRET_KEY": b""}, {"PATH": ""}, instance="/", debug=False)


@pytest.mark.parametrize("environ", [{}, CLOUD_RUN])
@pytest.mark.parametrize("auth", ["oidc", "cloud-run"])
def test_who_does_not_say_whom_to_believe_does_not_start(auth: str, environ: dict[str, str]):
    if auth == "cloud-run" and not environ:
        return
    mode: dict[str, object] = {"TASKHANDLER_AUTH": auth}
    assert refusal(mode, environ).key == "TASKHANDLER_AUDIENCE"
    refused = refusal({**mode, "TASKHANDLER_AUDIENCE": "a"}, environ)
    assert str(refused).startswith("TASKHANDLER_SERVICE_ACCOUNTS is not set: any Google account would do. ")


def test_the_platform_is_not_trusted_where_there_is_none():
    refused = refusal({**ENOUGH, "TASKHANDLER_AUTH": "cloud-run"}, {"K_SERVICE": ""})
    assert (refused.key, refused.value) == ("TASKHANDLER_AUTH", "cloud-run")


def test_the_platform_is_trusted_on_cloud_run_if_that_is_said():
    settings = read_settings(
        {**ENOUGH, "TASKHANDLER_AUTH": "cloud-run"}, CLOUD_RUN, instance="/", debug=False
    )
    assert (settings.auth, settings.on_cloud_run) == ("cloud-run", True)
    assert read_settings(ENOUGH, CLOUD_RUN, instance="/", debug=False).auth == "oidc"


def test_a_developer_may_let_anybody_in():
    settings = read_settings({"TASKHANDLER_AUTH": "none"}, {}, instance="/", debug=True)
    assert (settings.auth, settings.audience, settings.service_accounts) == ("none", (), ())


@pytest.mark.parametrize(("environ", "debug"), [({}, False), (CLOUD_RUN, True), (CLOUD_RUN, False)])
def test_nobody_else_may(environ: dict[str, str], debug: bool):  # noqa: FBT001 - a parameter of the test
    refused = refusal({**ENOUGH, "TASKHANDLER_AUTH": "none"}, environ, debug=debug)
    assert (refused.key, refused.value) == ("TASKHANDLER_AUTH", "none")


ELSEWHERE = [
    ("TASKHANDLER_CERTS_URL", "http://localhost:1/certs", "http://localhost:1/certs"),
    ("TASKHANDLER_ISSUERS", "https://desk", ("https://desk",)),
    ("TASKHANDLER_ISSUERS", [*ISSUERS, "https://desk"], (*ISSUERS, "https://desk")),
]


@pytest.mark.parametrize(("key", "value", "shown"), ELSEWHERE)
def test_only_google_is_believed_on_cloud_run(key: str, value: object, shown: object):
    refused = refusal({**ENOUGH, key: value}, CLOUD_RUN)
    assert (refused.key, refused.value) == (key, shown)
    read_settings({**ENOUGH, key: value}, {}, instance="/", debug=False)


def test_googles_own_may_be_written_out_on_cloud_run():
    ours = {"TASKHANDLER_CERTS_URL": CERTS_URL, "TASKHANDLER_ISSUERS": ISSUERS[0]}
    settings = read_settings({**ENOUGH, **ours}, CLOUD_RUN, instance="/", debug=False)
    assert (settings.certs_url, settings.issuers) == (CERTS_URL, ISSUERS[:1])
