"""OIDC tokens like Google's: RS256, signed with a key of our own, whose certificate is served."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import EllipsisType

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from google.auth import crypt, jwt

from taskhandler.devqueue.faults import TokenFault
from taskhandler.devqueue.task import Oidc

ISSUER = "https://accounts.google.com"
LIFETIME_SECONDS = 3600
# Google does not say whether deliveries share a token; sharing is the harder case for receivers
_REUSE_SECONDS = 300.0
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key, its id, and a certificate of it in PEM."""

    kid: str
    private: rsa.RSAPrivateKey
    certificate: str

    def sign(self, claims: Mapping[str, object], *, kid: str = "") -> str:
        """Return a token with these claims, under another key's id if one is given."""
        signer = crypt.RSASigner(self.private, kid or self.kid)  # type: ignore[no-untyped-call]  # google-auth's has no types
        return str(jwt.encode(signer, claims).decode())  # type: ignore[no-untyped-call]  # the same


def new_key(now: float) -> SigningKey:
    """Make a 2048 bit key and a self-signed certificate, valid from a day before `now` for two weeks."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    begins = dt.datetime.fromtimestamp(now, dt.timezone.utc) - _DAY
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local-queue.taskhandler.invalid")])
    certificate = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + 14 * _DAY)
        .sign(private, hashes.SHA256())
    )
    kid = certificate.fingerprint(hashes.SHA256()).hex()[:40]
    return SigningKey(kid, private, certificate.public_bytes(Encoding.PEM).decode())


class TokenIssuer:
    """Keeps the keys, and issues tokens signed with them."""

    def __init__(
        self, *, now: Callable[[], float], make_key: Callable[[float], SigningKey] = new_key
    ) -> None:
        """`now` gives seconds since 1970; `make_key` is called for the first key and at every rotation."""
        self._now = now
        self._make_key = make_key
        self._signing_keys: list[SigningKey] = []
        self._unpublished: SigningKey | None = None
        self._reusable: dict[Oidc, tuple[float, str]] = {}

    def certificates(self) -> dict[str, str]:
        """Return the certificates in the format of https://www.googleapis.com/oauth2/v1/certs: kid to PEM."""
        return {key.kid: key.certificate for key in self._published()}

    def rotate(self) -> str:
        """Sign with a new key from now on and return its id; only the previous key stays published, too."""
        self._signing_keys = [self._published()[-1], self._make_key(self._now())]
        self._reusable.clear()
        return self._signing_keys[-1].kid

    def authorization(self, oidc: Oidc, fault: TokenFault | None) -> str | None:
        """Return the `Authorization` header of a delivery; None if the fault is that it is missing."""
        if fault is TokenFault.NONE:
            return None
        if fault is not None:
            return f"Bearer {self.token(oidc, fault=fault)}"
        issued, token = self._reusable.get(oidc, (0.0, ""))
        if not 0 <= self._now() - issued < _REUSE_SECONDS:
            issued, token = self._now(), self.token(oidc)
            self._reusable[oidc] = issued, token
        return f"Bearer {token}"

    def token(
        self,
        oidc: Oidc,
        *,
        fault: TokenFault | None = None,
        claims: Mapping[str, object | EllipsisType] | None = None,
    ) -> str:
        """Return a new token. `claims` replace the usual ones; `...` as a value removes a claim."""
        now = int(self._now())
        all_claims = _make_claims(oidc, now) | _make_faulty_claims(fault, now) | dict(claims or {})
        all_claims = {key: value for key, value in all_claims.items() if value is not ...}
        match fault:
            case TokenFault.UNKNOWN_KEY:
                return self._unpublished_key().sign(all_claims)
            case TokenFault.BAD_SIGNATURE:
                return self._unpublished_key().sign(all_claims, kid=self._published()[-1].kid)
            case _:
                return self._published()[-1].sign(all_claims)

    def _published(self) -> list[SigningKey]:
        if not self._signing_keys:
            self._signing_keys = [self._make_key(self._now())]
        return self._signing_keys

    def _unpublished_key(self) -> SigningKey:
        if self._unpublished is None:
            self._unpublished = self._make_key(self._now())
        return self._unpublished


def _make_claims(oidc: Oidc, now: int) -> dict[str, object]:
    # a service account's unique id: 21 digits, always the same for the same account
    unique_id = str(10**20 + int(hashlib.sha256(oidc.email.encode()).hexdigest(), 16) % (9 * 10**20))
    return {
        "aud": oidc.audience,
        "azp": unique_id,
        "email": oidc.email,
        "email_verified": True,
        "exp": now + LIFETIME_SECONDS,
        "iat": now,
        "iss": ISSUER,
        "sub": unique_id,
    }


def _make_faulty_claims(fault: TokenFault | None, now: int) -> dict[str, object]:
    match fault:
        case TokenFault.EXPIRED:
            return {"iat": now - 3 * LIFETIME_SECONDS, "exp": now - 2 * LIFETIME_SECONDS}
        case TokenFault.FUTURE:
            return {"iat": now + 2 * LIFETIME_SECONDS, "exp": now + 3 * LIFETIME_SECONDS}
        case TokenFault.WRONG_AUD:
            return {"aud": "https://another.example/tasks"}
        case TokenFault.WRONG_ISS:
            return {"iss": "https://issuer.example"}
        case TokenFault.WRONG_EMAIL:
            return {"email": "other@another-project.iam.gserviceaccount.com"}
        case _:
            return {}
