"""What does it cost to know who is calling, against a bare `google.auth.jwt.decode` with cached certificates?

    python -m benchmarks.verifying

All are measured in turns in one run; the medians are printed, and their ratios. Every header is a string
of its own, as a server makes one for each request, so that no hash is remembered in it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from statistics import median

from google.auth import jwt

from benchmarks.parts.deliveries import ACCOUNT, AUDIENCE
from taskhandler.auth.certificates import CertificateKeeper
from taskhandler.auth.fetch_response import Fetched
from taskhandler.auth.verifier import OIDCVerifier, TokenPolicy
from taskhandler.config.settings import CERTS_URL
from taskhandler.devqueue.task import Oidc
from taskhandler.devqueue.tokens import TokenIssuer

ROUNDS, BATCH = 900, 20


def seconds(act: Callable[[str], object], given: list[str]) -> float:
    """Measure how long `act` takes for one of `given`."""
    begun = time.perf_counter()
    for each in given:
        act(each)
    return (time.perf_counter() - begun) / len(given)


def main() -> None:
    """Measure and print."""
    issuer = TokenIssuer(now=time.time)
    certs = issuer.certificates()
    rules = TokenPolicy(frozenset({AUDIENCE}), frozenset({ACCOUNT}))
    keeper = CertificateKeeper(
        CERTS_URL,
        clock=time.monotonic,
        chance=lambda: 0.0,
        fetch=lambda _url, _timeout: Fetched(json.dumps(certs).encode()),
    )
    verifier = OIDCVerifier(rules, keeper, now=time.time)
    acts: dict[str, Callable[[str], object]] = {
        "jwt.decode": lambda token: jwt.decode(token, certs=certs, audience=[AUDIENCE]),  # type: ignore[no-untyped-call]  # google-auth has no annotations
        "fresh": verifier.verify,
        "repeated": verifier.verify,
    }
    taken: dict[str, list[float]] = {name: [] for name in acts}
    oidc = Oidc(ACCOUNT, AUDIENCE)
    minted = [issuer.token(oidc, claims={"sub": f"{number:021d}"}) for number in range(ROUNDS)]
    for number, token in enumerate(minted):
        wire = f"Bearer {token}".encode()
        given = {
            "jwt.decode": [token],
            "fresh": [wire.decode()],
            "repeated": [wire.decode() for _ in range(BATCH)],
        }
        for name in (
            ("jwt.decode", "fresh", "repeated") if number % 2 else ("fresh", "repeated", "jwt.decode")
        ):
            taken[name].append(seconds(acts[name], given[name]))
    measure = median(taken["jwt.decode"])
    for name, times in taken.items():
        print(f"{name:12} {median(times) * 1e6:9.2f} us   {median(times) / measure:7.2%} of jwt.decode")


if __name__ == "__main__":
    main()
