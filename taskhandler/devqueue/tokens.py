"""OIDC tokens as Google makes them: RS256, signed by a key of our own whose certificate is served."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import EllipsisType

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from taskhandler.devqueue.faults import TokenFault
from taskhandler.devqueue.task import Oidc

ISSUER = "https://accounts.google.com"
LIFETIME = 3600
# Google does not say whether a token is used twice; using it again is the harder case for receivers
_REUSED_FOR = 300.0
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key, its id, and a certificate of it in PEM."""

    kid: str
    private: rsa.RSAPrivateKey
    certificate: str

    def sign(self, claims: Mapping[str, object], *, kid: str = "") -> str:
        """Return the compact JWS of the claims, under another key's id if one is given."""
        header = {"alg": "RS256", "kid": kid or self.kid, "typ": "JWT"}
        signed = f"{_segment(_compact(header))}.{_segment(_compact(claims))}"
        signature = self.private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_segment(signature)}"


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
    """The keys, and the tokens made with them."""

    def __init__(self, *, now: Callable[[], float], keys: Callable[[float], SigningKey] = new_key) -> None:
        """`now` gives seconds since 1970; `keys` makes a key, when first needed and at every rotation."""
        self._now = now
        self._keys = keys
        self._made: list[SigningKey] = []
        self._stranger: SigningKey | None = None
        self._kept: dict[Oidc, tuple[float, str]] = {}

    def certificates(self) -> dict[str, str]:
        """Return the certificates in the format of https://www.googleapis.com/oauth2/v1/certs: kid to PEM."""
        return {key.kid: key.certificate for key in self._published()}

    def rotate(self) -> str:
        """Sign with a new key from now on and return its id. The key before it stays published, others go."""
        self._made = [self._published()[-1], self._keys(self._now())]
        self._kept.clear()
        return self._made[-1].kid

    def authorization(self, oidc: Oidc, fault: TokenFault | None) -> str | None:
        """Return the `Authorization` of a delivery; None if the fault is that there is none."""
        if fault is TokenFault.NONE:
            return None
        if fault is not None:
            return f"Bearer {self.token(oidc, fault=fault)}"
        made, token = self._kept.get(oidc, (0.0, ""))
        if not 0 <= self._now() - made < _REUSED_FOR:
            made, token = self._now(), self.token(oidc)
            self._kept[oidc] = made, token
        return f"Bearer {token}"

    def token(
        self,
        oidc: Oidc,
        *,
        fault: TokenFault | None = None,
        claims: Mapping[str, object | EllipsisType] | None = None,
    ) -> str:
        """Return a fresh token. `claims` are put over the usual ones; `...` as a value takes a claim out."""
        now = int(self._now())
        made = _claims(oidc, now) | _spoilt(fault, now) | dict(claims or {})
        made = {key: value for key, value in made.items() if value is not ...}
        match fault:
            case TokenFault.UNKNOWN_KEY:
                return self._stranger_key().sign(made)
            case TokenFault.BAD_SIGNATURE:
                return self._stranger_key().sign(made, kid=self._published()[-1].kid)
            case _:
                return self._published()[-1].sign(made)

    def _published(self) -> list[SigningKey]:
        if not self._made:
            self._made = [self._keys(self._now())]
        return self._made

    def _stranger_key(self) -> SigningKey:
        if self._stranger is None:
            self._stranger = self._keys(self._now())
        return self._stranger


def _claims(oidc: Oidc, now: int) -> dict[str, object]:
    # a service account's unique id: 21 digits, always the same for the same account
    unique_id = str(10**20 + int(hashlib.sha256(oidc.email.encode()).hexdigest(), 16) % (9 * 10**20))
    return {
        "aud": oidc.audience,
        "azp": unique_id,
        "email": oidc.email,
        "email_verified": True,
        "exp": now + LIFETIME,
        "iat": now,
        "iss": ISSUER,
        "sub": unique_id,
    }


def _spoilt(fault: TokenFault | None, now: int) -> dict[str, object]:
    match fault:
        case TokenFault.EXPIRED:
            return {"iat": now - 3 * LIFETIME, "exp": now - 2 * LIFETIME}
        case TokenFault.FUTURE:
            return {"iat": now + 2 * LIFETIME, "exp": now + 3 * LIFETIME}
        case TokenFault.WRONG_AUD:
            return {"aud": "https://another.example/tasks"}
        case TokenFault.WRONG_ISS:
            return {"iss": "https://issuer.example"}
        case TokenFault.WRONG_EMAIL:
            return {"email": "stranger@another-project.iam.gserviceaccount.com"}
        case _:
            return {}


def _compact(content: Mapping[str, object]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _segment(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
