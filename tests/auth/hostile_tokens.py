"""Every known hostile credential: all must be refused, even with a valid signature."""

from __future__ import annotations

import json
import time
from base64 import b64encode

from taskhandler.auth.token import LONGEST_CREDENTIAL_CHARACTERS, MOST_BRACKETS
from tests.auth import issuer

NOW = int(time.time())
GENUINE = issuer.token()
HEAD, BODY, SIGNATURE = GENUINE.split(".")


def raw(content: dict[str, object], **spelt: str) -> str:
    """Write JSON with values that `json.dumps` does not write, or with a member twice."""
    written = [
        f"{json.dumps(name)}: {json.dumps(value)}" for name, value in content.items() if name not in spelt
    ]
    return "{" + ", ".join(written + [f'"{name}": {text}' for name, text in spelt.items()]) + "}"


def twice(content: dict[str, object], name: str, value: object) -> str:
    return json.dumps(content)[:-1] + f", {json.dumps(name)}: {json.dumps(value)}}}"


def nested(depth: int) -> str:
    return raw(issuer.claims(), x="[" * depth + "]" * depth)


HEADERS: dict[str, object] = {
    "alg none": issuer.header(alg="none"),
    "alg HS256": issuer.header(alg="HS256"),
    "alg ES256": issuer.header(alg="ES256"),
    "alg ES384": issuer.header(alg="ES384"),
    "alg RS512": issuer.header(alg="RS512"),
    "alg rs256": issuer.header(alg="rs256"),
    "alg missing": issuer.header(alg=None),
    "alg null": raw(issuer.header(), alg="null"),
    "alg list": issuer.header(alg=["RS256"]),
    "alg number": issuer.header(alg=256),
    "alg with a NUL": issuer.header(alg="RS256\0"),
    "alg in full-width letters": issuer.header(alg="\uff32\uff33256"),
    "alg dict": issuer.header(alg={"RS256": 1}),
    "kid missing": issuer.header(kid=None),
    "kid null": raw(issuer.header(), kid="null"),
    "kid empty": issuer.header(kid=""),
    "kid list": issuer.header(kid=[issuer.KID]),
    "kid dict": issuer.header(kid={issuer.KID: 1}),
    "kid number": issuer.header(kid=1),
    "kid float": issuer.header(kid=1.5),
    "kid true": issuer.header(kid=True),
    "kid NaN": raw(issuer.header(), kid="NaN"),
    "kid of 4 kB": issuer.header(kid="k" * 4096),
    "crit": issuer.header(crit=["exp"]),
    "crit empty": issuer.header(crit=[]),
    "cty": issuer.header(cty="JWT"),
    "b64 false": issuer.header(b64=False),
    "typ at+jwt": issuer.header(typ="at+jwt"),
    "typ list": issuer.header(typ=["JWT"]),
    "alg twice": twice(issuer.header(), "alg", "RS256"),
    "kid twice": twice(issuer.header(), "kid", issuer.KID),
    "NaN in the header": raw(issuer.header(), x="NaN"),
    "header nested 1,500": '{"a":' * 1500 + "1" + "}" * 1500,
    "header nested 100": raw(issuer.header(), x="[" * 100 + "]" * 100),
    "header a list": ["RS256"],
    "header text": '"RS256"',
    "header number": 1,
    "header null": "null",
    "header not JSON": "alg=RS256",
    "header not UTF-8": b'{"alg": "RS256\xff"}',
    "header with a BOM": "\ufeff" + json.dumps(issuer.header()),
    "header in UTF-16": json.dumps(issuer.header()).encode("utf-16"),
    "header and more": json.dumps(issuer.header()) + "{}",
}
NO_TIMES = {name: name for name in ("null", '"1"', "[]", "{}", "true", "1e400")} | {"float": f"{NOW}.0"}
TIMES = NO_TIMES | {name: name for name in ("NaN", "Infinity", "-Infinity", "1" + "0" * 30)}
CLAIMS: dict[str, object] = {
    **{f"exp {name}": raw(issuer.claims(), exp=text) for name, text in TIMES.items()},
    **{f"iat {name}": raw(issuer.claims(nbf=NOW), iat=text) for name, text in TIMES.items()},
    **{f"nbf {name}": raw(issuer.claims(), nbf=text) for name, text in TIMES.items()},
    "exp of arabic digits": raw(issuer.claims(), exp="\u0661\u0662"),
    "exp with an exponent": raw(issuer.claims(), exp=f"{NOW + 100}e0"),
    "exp with a leading zero": raw(issuer.claims(), exp=f"0{NOW + 100}"),
    "exp hexadecimal": raw(issuer.claims(), exp=hex(NOW + 100)),
    "exp of 30 digits, iat too": raw(issuer.claims(), exp="1" + "0" * 30 + "1", iat="1" + "0" * 30),
    "iat false": raw(issuer.claims(nbf=NOW), iat="false"),
    "exp negative": issuer.claims(exp=-1),
    "iat negative": issuer.claims(iat=-1),
    "exp of 5,000 digits": raw(issuer.claims(), exp="9" * 5000),
    "exp missing": issuer.claims(exp=None),
    "iat missing": issuer.claims(iat=None),
    "expired": issuer.claims(iat=NOW - 7200, exp=NOW - 3600),
    "iat in the future": issuer.claims(iat=NOW + 600, exp=NOW + 4200),
    "iat in the future, nbf not": issuer.claims(iat=NOW + 600, exp=NOW + 4200, nbf=NOW),
    "nbf in the future": issuer.claims(nbf=NOW + 600),
    "lives for ten years": issuer.claims(exp=NOW + 315_360_000),
    "ends before it begins": issuer.claims(iat=NOW + 50, exp=NOW + 40),
    "iss other": issuer.claims(iss="https://accounts.evil.test"),
    "iss almost": issuer.claims(iss="https://accounts.google.com/"),
    "iss missing": issuer.claims(iss=None),
    "iss null": raw(issuer.claims(), iss="null"),
    "iss list": issuer.claims(iss=["https://accounts.google.com"]),
    "aud other": issuer.claims(aud="https://other.test/tasks"),
    "aud with a query": issuer.claims(aud=issuer.AUDIENCE + "?x=1"),
    "aud missing": issuer.claims(aud=None),
    "aud null": raw(issuer.claims(), aud="null"),
    "aud array": issuer.claims(aud=[issuer.AUDIENCE]),
    "aud dict": issuer.claims(aud={issuer.AUDIENCE: 1}),
    "aud in another case": issuer.claims(aud=issuer.AUDIENCE.upper()),
    "aud with a slash": issuer.claims(aud=issuer.AUDIENCE + "/"),
    "aud with a NUL": issuer.claims(aud=issuer.AUDIENCE + "\0"),
    "aud with a newline": issuer.claims(aud=issuer.AUDIENCE + "\n"),
    "aud in full-width letters": issuer.claims(aud=issuer.AUDIENCE.replace("s", "\uff53")),
    "aud two": issuer.claims(aud=[issuer.AUDIENCE, "https://other.test"]),
    "aud number": issuer.claims(aud=1),
    "aud surrogate": raw(issuer.claims(), aud='"\\ud800"'),
    "email missing": issuer.claims(email=None),
    "email null": raw(issuer.claims(), email="null"),
    "email list": issuer.claims(email=[issuer.ACCOUNT]),
    "email dict": issuer.claims(email={issuer.ACCOUNT: 1}),
    "email number": issuer.claims(email=1),
    "email_verified missing": issuer.claims(email_verified=None),
    "email_verified false": issuer.claims(email_verified=False),
    "email_verified text": issuer.claims(email_verified="true"),
    "email_verified 1": issuer.claims(email_verified=1),
    "email_verified list": issuer.claims(email_verified=[True]),
    "email_verified null": raw(issuer.claims(), email_verified="null"),
    "email twice": twice(issuer.claims(), "email", issuer.ACCOUNT),
    "aud twice": twice(issuer.claims(aud="https://other.test"), "aud", issuer.AUDIENCE),
    "twice within": raw(issuer.claims(), x='{"a": 1, "a": 1}'),
    "NaN in an unknown claim": raw(issuer.claims(), x="NaN"),
    "nested 1,000": nested(1000),
    "nested 1,500": nested(1500),
    "nested 3,000 unclosed": "[" * 3000,
    "nested once too deeply": nested(MOST_BRACKETS),
    "100 kB": issuer.claims(x="x" * 100_000),
    "claims a list": [issuer.claims()],
    "claims text": '"x"',
    "claims null": "null",
    "claims empty": b" ",
    "claims not UTF-8": b'{"email": "\xff"}',
    "claims and more": json.dumps(issuer.claims()) + "{}",
}
SIGNED = {
    **{name: issuer.handmade_bearer(head) for name, head in HEADERS.items()},
    **{name: issuer.handmade_bearer(body=body) for name, body in CLAIMS.items()},
}


def std_alphabet() -> str:
    bits = SIGNATURE.replace("-", "+", 1)
    return f"{HEAD}.{BODY}.{bits if bits != SIGNATURE else SIGNATURE.replace('_', '/', 1)}"


def trailing_bits(segment: str) -> str:
    """Encode the same bytes differently: decoders drop some bits of the last character."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) + 1]


def of_length(honest: dict[str, object], length: int) -> str:
    """Make a segment whose length is `length` more than a multiple of four characters."""
    segments = [issuer.segment(honest | {"x": "x" * number}) for number in range(4)]
    return next(segment for segment in segments if len(segment) % 4 == length)


RESPELT = {
    "sig_padding": f"{GENUINE}==",
    "sig_std_alphabet": std_alphabet(),
    "sig_trailing_bits": f"{HEAD}.{BODY}.{trailing_bits(SIGNATURE)}",
    "sig_junk_chars": f"{HEAD}.{BODY}.{SIGNATURE[:5]}!{SIGNATURE[5:]}",
    "sig with a newline": f"{HEAD}.{BODY}.{SIGNATURE[:5]}\n{SIGNATURE[5:]}",
    "sig with a NUL": f"{HEAD}.{BODY}.{SIGNATURE}\0",
    "sig one too long": f"{GENUINE}AAA",
    "sig empty": f"{HEAD}.{BODY}.",
    "non_ascii_token": f"{HEAD}.{BODY}.{SIGNATURE[:5]}\u00e9{SIGNATURE[5:]}",
    "surrogate": f"{HEAD}.{BODY}.{SIGNATURE[:5]}\ud800{SIGNATURE[5:]}",
    "arabic digit": f"{HEAD}.{BODY}.{SIGNATURE[:5]}\u0663{SIGNATURE[5:]}",
    "latin-1": f"{HEAD}.{BODY}.{SIGNATURE}\xff",
    "in the other base64": b64encode(GENUINE.encode()).decode(),
    "header padded": f"{HEAD}=.{BODY}.{SIGNATURE}",
    "payload trailing bits": f"{HEAD}.{trailing_bits(of_length(issuer.claims(), 2))}.{SIGNATURE}",
    "header trailing bits of two": f"{trailing_bits(of_length(issuer.header(), 3))}.{BODY}.{SIGNATURE}",
    "header trailing bits of four": f"{trailing_bits(of_length(issuer.header(), 2))}.{BODY}.{SIGNATURE}",
    "header cut to a length that nothing has": f"{HEAD[: len(HEAD) // 4 * 4 - 3]}.{BODY}.{SIGNATURE}",
    "two segments": f"{HEAD}.{BODY}",
    "four segments": f"{GENUINE}.{SIGNATURE}",
    "encrypted": "a.b.c.d.e",
    "opaque": "ya29.a0AfH6SMBx",
    "a page": "x" * 60_000,
}
CREDENTIALS = {
    "no scheme": GENUINE,
    "scheme only": "Bearer",
    "scheme and space": "Bearer ",
    "Basic": f"Basic {GENUINE}",
    "no space": f"Bearer{GENUINE}",
    "tab": f"Bearer\t{GENUINE}",
    "space before": f" Bearer {GENUINE}",
    "space after": f"Bearer {GENUINE} ",
    "newline after": f"Bearer {GENUINE}\n",
    "quoted": f'Bearer "{GENUINE}"',
    "two headers": f"Bearer {GENUINE},Bearer {GENUINE}",
    "two headers with a space": f"Bearer {GENUINE}, Bearer {GENUINE}",
    "two tokens": f"Bearer {GENUINE} {GENUINE}",
    "Bearer twice": f"Bearer Bearer {GENUINE}",
    "as a parameter": f"Bearer token={GENUINE}",
    "longer than any": "Bearer " + " " * (LONGEST_CREDENTIAL_CHARACTERS - len(GENUINE)) + GENUINE,
    "dotless i": f"Bearer\u0131 {GENUINE}",
    "scheme of look-alikes": f"B\u0435arer {GENUINE}",
    "comma only": ",",
    "comma before": f",Bearer {GENUINE}",
    "comma after": f"Bearer {GENUINE},",
    "an empty header before": f", Bearer {GENUINE}",
    "Basic before": f"Basic eDp5,Bearer {GENUINE}",
    "Basic after": f"Bearer {GENUINE},Basic eDp5",
    "NUL before": f"\0Bearer {GENUINE}",
    "NUL for the space": f"Bearer\0{GENUINE}",
    "carriage return after": f"Bearer {GENUINE}\r",
    "no-break space": f"Bearer\u00a0{GENUINE}",
    "vertical tab": f"Bearer\v{GENUINE}",
    "escape sequence": f"Bearer \x1b[2J{GENUINE}",
    "delete": f"Bearer {GENUINE}\x7f",
    "zero-width space": f"Bearer \u200b{GENUINE}",
    "a page of control characters": "\x01" * 4096,
    "a page of spaces": "Bearer" + " " * 4090,
    "a page of dots": "Bearer " + "." * 4089,
    "a megabyte": "Bearer " + "x" * 1_000_000,
}
HOSTILE = SIGNED | {name: f"Bearer {text}" for name, text in RESPELT.items()} | CREDENTIALS
FORGED = {
    "another key under the known id": issuer.handmade_bearer(key="unknown"),
    "another key under its own id": issuer.handmade_bearer(issuer.header(kid="unknown"), key="unknown"),
    "another account, not signed": issuer.handmade_bearer(
        body=issuer.claims(email="a@b.test"), key="unknown"
    ),
    "claims of another token": f"Bearer {HEAD}.{issuer.segment(issuer.claims(sub='1'))}.{SIGNATURE}",
    "header of another token": f"Bearer {issuer.segment(issuer.header(x=1))}.{BODY}.{SIGNATURE}",
    "no signature to speak of": f"Bearer {HEAD}.{BODY}.AAAA",
    "signature cut short": f"Bearer {HEAD}.{BODY}.{SIGNATURE[:-2]}",
    "key id with a surrogate": issuer.handmade_bearer(raw(issuer.header(), kid='"\\ud800"')),
    "key id of a path": issuer.handmade_bearer(issuer.header(kid="../../etc/passwd")),
}
