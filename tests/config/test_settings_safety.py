"""What is refused before anything is received: unknown settings, and unsafe ones."""

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


def test_an_unknown_setting_unlike_any_of_ours_is_refused_without_a_guess():
    refused = refusal({**ENOUGH, "TASKHANDLER_ZZZ": ""})
    assert (
        str(refused) == "TASKHANDLER_ZZZ = '': there is no such setting. docs/settings.md lists all settings"
    )


def test_the_invalid_account_in_a_list_is_named():
    refused = refusal({**ENOUGH, "TASKHANDLER_SERVICE_ACCOUNTS": "a@b.c, nobody"})
    assert str(refused) == (
        "TASKHANDLER_SERVICE_ACCOUNTS = 'a@b.c, nobody': must be one or more e-mail addresses, as a list or "
        "separated by commas; 'nobody' is not one"
    )


def test_settings_with_another_prefix_are_left_alone():
    read_settings({**ENOUGH, "TASK_HANDLER": 1, "SECRET_KEY": b""}, {"PATH": ""}, instance="/", debug=False)


@pytest.mark.parametrize("environ", [{}, CLOUD_RUN])
@pytest.mark.parametrize("auth", ["oidc", "cloud-run"])
def test_an_app_without_an_audience_or_accounts_does_not_start(auth: str, environ: dict[str, str]):
    if auth == "cloud-run" and not environ:
        return
    mode: dict[str, object] = {"TASKHANDLER_AUTH": auth}
    assert refusal(mode, environ).key == "TASKHANDLER_AUDIENCE"
    refused = refusal({**mode, "TASKHANDLER_AUDIENCE": "a"}, environ)
    assert str(refused).startswith(
        "TASKHANDLER_SERVICE_ACCOUNTS is not set: tokens of any Google account would be accepted. "
    )


def test_auth_by_cloud_run_is_refused_outside_of_cloud_run():
    refused = refusal({**ENOUGH, "TASKHANDLER_AUTH": "cloud-run"}, {"K_SERVICE": ""})
    assert (refused.key, refused.value) == ("TASKHANDLER_AUTH", "cloud-run")


def test_auth_by_cloud_run_is_accepted_on_cloud_run():
    settings = read_settings(
        {**ENOUGH, "TASKHANDLER_AUTH": "cloud-run"}, CLOUD_RUN, instance="/", debug=False
    )
    assert (settings.auth, settings.on_cloud_run) == ("cloud-run", True)
    assert read_settings(ENOUGH, CLOUD_RUN, instance="/", debug=False).auth == "oidc"


def test_auth_may_be_switched_off_in_debug_mode():
    settings = read_settings({"TASKHANDLER_AUTH": "none"}, {}, instance="/", debug=True)
    assert (settings.auth, settings.audience, settings.service_accounts) == ("none", (), ())


@pytest.mark.parametrize(("environ", "debug"), [({}, False), (CLOUD_RUN, True), (CLOUD_RUN, False)])
def test_auth_may_not_be_switched_off_without_debug_or_on_cloud_run(environ: dict[str, str], debug: bool):  # noqa: FBT001 - a parameter of the test
    refused = refusal({**ENOUGH, "TASKHANDLER_AUTH": "none"}, environ, debug=debug)
    assert (refused.key, refused.value) == ("TASKHANDLER_AUTH", "none")


ELSEWHERE = [
    ("TASKHANDLER_CERTS_URL", "http://localhost:1/certs", "http://localhost:1/certs"),
    ("TASKHANDLER_ISSUERS", "https://issuer.local", ("https://issuer.local",)),
    ("TASKHANDLER_ISSUERS", [*ISSUERS, "https://issuer.local"], (*ISSUERS, "https://issuer.local")),
]


@pytest.mark.parametrize(("key", "value", "shown"), ELSEWHERE)
def test_other_certificates_and_issuers_than_googles_are_refused_on_cloud_run(
    key: str, value: object, shown: object
):
    refused = refusal({**ENOUGH, key: value}, CLOUD_RUN)
    assert (refused.key, refused.value) == (key, shown)
    read_settings({**ENOUGH, key: value}, {}, instance="/", debug=False)


def test_the_defaults_may_be_set_explicitly_on_cloud_run():
    ours = {"TASKHANDLER_CERTS_URL": CERTS_URL, "TASKHANDLER_ISSUERS": ISSUERS[0]}
    settings = read_settings({**ENOUGH, **ours}, CLOUD_RUN, instance="/", debug=False)
    assert (settings.certs_url, settings.issuers) == (CERTS_URL, ISSUERS[:1])


@pytest.mark.parametrize(
    ("configured", "environ", "problem", "remedy"),
    [
        (
            {"TASKHANDLER_AUTH": "none"},
            {},
            "anyone could run the handlers; allowed only in debug and testing mode, not on Cloud Run",
            "Use 'oidc'",
        ),
        (
            {"TASKHANDLER_AUTH": "cloud-run"},
            {},
            "this is not Cloud Run (K_SERVICE is not set), so nobody has checked the token",
            "Use 'oidc'",
        ),
        (
            {"TASK_TARGET_URL": ""},
            {},
            "tokens for any service would be accepted",
            "Set it, or TASK_TARGET_URL, to the audience of the tasks' OIDC tokens",
        ),
        (
            {"TASK_SERVICE_ACCOUNT_EMAIL": ""},
            {},
            "tokens of any Google account would be accepted",
            "Set it, or TASK_SERVICE_ACCOUNT_EMAIL, to the accounts that may deliver tasks",
        ),
        (
            {"TASKHANDLER_CERTS_URL": "http://localhost:1/certs"},
            CLOUD_RUN,
            "on Cloud Run only Google's certificates are accepted",
            "Leave it unset",
        ),
        (
            {"TASKHANDLER_ISSUERS": "https://other"},
            CLOUD_RUN,
            "on Cloud Run only Google's tokens are accepted",
            "Leave it unset",
        ),
    ],
)
def test_an_unsafe_setting_is_refused_with_what_is_wrong_and_what_to_do(
    configured: dict[str, object], environ: dict[str, str], problem: str, remedy: str
):
    refused = refusal({**ENOUGH, **configured}, environ)
    assert (refused.problem, refused.remedy) == (problem, remedy)
