"""Every known hostile credential: all must be refused, even with a valid signature."""

from __future__ import annotations

import json
import time
from base64 import b64encode

from taskhandler.auth.token import LONGEST_CREDENTIAL, MOST_BRACKETS
from tests import mint

NOW = int(time.time())
GENUINE = mint.token()
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
    return raw(mint.claims(), x="[" * depth + "]" * depth)


HEADERS: dict[str, object] = {
    "alg none": mint.header(alg="none"),
    "alg HS256": mint.header(alg="HS256"),
    "alg ES256": mint.header(alg="ES256"),
    "alg ES384": mint.header(alg="ES384"),
    "alg RS512": mint.header(alg="RS512"),
    "alg rs256": mint.header(alg="rs256"),
    "alg missing": mint.header(alg=None),
    "alg null": raw(mint.header(), alg="null"),
    "alg list": mint.header(alg=["RS256"]),
    "alg number": mint.header(alg=256),
    "alg with a NUL": mint.header(alg="RS256\0"),
    "alg in full-width letters": mint.header(alg="\uff32\uff33256"),
    "alg dict": mint.header(alg={"RS256": 1}),
    "kid missing": mint.header(kid=None),
    "kid null": raw(mint.header(), kid="null"),
    "kid empty": mint.header(kid=""),
    "kid list": mint.header(kid=[mint.KID]),
    "kid dict": mint.header(kid={mint.KID: 1}),
    "kid number": mint.header(kid=1),
    "kid float": mint.header(kid=1.5),
    "kid true": mint.header(kid=True),
    "kid NaN": raw(mint.header(), kid="NaN"),
    "kid of 4 kB": mint.header(kid="k" * 4096),
    "crit": mint.header(crit=["exp"]),
    "crit empty": mint.header(crit=[]),
    "cty": mint.header(cty="JWT"),
    "b64 false": mint.header(b64=False),
    "typ at+jwt": mint.header(typ="at+jwt"),
    "typ list": mint.header(typ=["JWT"]),
    "alg twice": twice(mint.header(), "alg", "RS256"),
    "kid twice": twice(mint.header(), "kid", mint.KID),
    "NaN in the header": raw(mint.header(), x="NaN"),
    "header nested 1,500": '{"a":' * 1500 + "1" + "}" * 1500,
    "header nested 100": raw(mint.header(), x="[" * 100 + "]" * 100),
    "header a list": ["RS256"],
    "header text": '"RS256"',
    "header number": 1,
    "header null": "null",
    "header not JSON": "alg=RS256",
    "header not UTF-8": b'{"alg": "RS256\xff"}',
    "header with a BOM": "\ufeff" + json.dumps(mint.header()),
    "header in UTF-16": json.dumps(mint.header()).encode("utf-16"),
    "header and more": json.dumps(mint.header()) + "{}",
}
NO_TIMES = {name: name for name in ("null", '"1"', "[]", "{}", "true", "1e400")} | {"float": f"{NOW}.0"}
TIMES = NO_TIMES | {name: name for name in ("NaN", "Infinity", "-Infinity", "1" + "0" * 30)}
CLAIMS: dict[str, object] = {
    **{f"exp {name}": raw(mint.claims(), exp=text) for name, text in TIMES.items()},
    **{f"iat {name}": raw(mint.claims(nbf=NOW), iat=text) for name, text in TIMES.items()},
    **{f"nbf {name}": raw(mint.claims(), nbf=text) for name, text in TIMES.items()},
    "exp of arabic digits": raw(mint.claims(), exp="\u0661\u0662"),
    "exp with an exponent": raw(mint.claims(), exp=f"{NOW + 100}e0"),
    "exp with a leading zero": raw(mint.claims(), exp=f"0{NOW + 100}"),
    "exp hexadecimal": raw(mint.claims(), exp=hex(NOW + 100)),
    "exp of 30 digits, iat too": raw(mint.claims(), exp="1" + "0" * 30 + "1", iat="1" + "0" * 30),
    "iat false": raw(mint.claims(nbf=NOW), iat="false"),
    "exp negative": mint.claims(exp=-1),
    "iat negative": mint.claims(iat=-1),
    "exp of 5,000 digits": raw(mint.claims(), exp="9" * 5000),
    "exp missing": mint.claims(exp=None),
    "iat missing": mint.claims(iat=None),
    "expired": mint.claims(iat=NOW - 7200, exp=NOW - 3600),
    "iat in the future": mint.claims(iat=NOW + 600, exp=NOW + 4200),
    "iat in the future, nbf not": mint.claims(iat=NOW + 600, exp=NOW + 4200, nbf=NOW),
    "nbf in the future": mint.claims(nbf=NOW + 600),
    "lives for ten years": mint.claims(exp=NOW + 315_360_000),
    "ends before it begins": mint.claims(iat=NOW + 50, exp=NOW + 40),
    "iss other": mint.claims(iss="https://accounts.evil.test"),
    "iss almost": mint.claims(iss="https://accounts.google.com/"),
    "iss missing": mint.claims(iss=None),
    "iss null": raw(mint.claims(), iss="null"),
    "iss list": mint.claims(iss=["https://accounts.google.com"]),
    "aud other": mint.claims(aud="https://other.test/tasks"),
    "aud with a query": mint.claims(aud=mint.AUDIENCE + "?x=1"),
    "aud missing": mint.claims(aud=None),
    "aud null": raw(mint.claims(), aud="null"),
    "aud array": mint.claims(aud=[mint.AUDIENCE]),
    "aud dict": mint.claims(aud={mint.AUDIENCE: 1}),
    "aud in another case": mint.claims(aud=mint.AUDIENCE.upper()),
    "aud with a slash": mint.claims(aud=mint.AUDIENCE + "/"),
    "aud with a NUL": mint.claims(aud=mint.AUDIENCE + "\0"),
    "aud with a newline": mint.claims(aud=mint.AUDIENCE + "\n"),
    "aud in full-width letters": mint.claims(aud=mint.AUDIENCE.replace("s", "\uff53")),
    "aud two": mint.claims(aud=[mint.AUDIENCE, "https://other.test"]),
    "aud number": mint.claims(aud=1),
    "aud surrogate": raw(mint.claims(), aud='"\\ud800"'),
    "email missing": mint.claims(email=None),
    "email null": raw(mint.claims(), email="null"),
    "email list": mint.claims(email=[mint.ACCOUNT]),
    "email dict": mint.claims(email={mint.ACCOUNT: 1}),
    "email number": mint.claims(email=1),
    "email_verified missing": mint.claims(email_verified=None),
    "email_verified false": mint.claims(email_verified=False),
    "email_verified text": mint.claims(email_verified="true"),
    "email_verified 1": mint.claims(email_verified=1),
    "email_verified list": mint.claims(email_verified=[True]),
    "email_verified null": raw(mint.claims(), email_verified="null"),
    "email twice": twice(mint.claims(), "email", mint.ACCOUNT),
    "aud twice": twice(mint.claims(aud="https://other.test"), "aud", mint.AUDIENCE),
    "twice within": raw(mint.claims(), x='{"a": 1, "a": 1}'),
    "NaN in an unknown claim": raw(mint.claims(), x="NaN"),
    "nested 1,000": nested(1000),
    "nested 1,500": nested(1500),
    "nested 3,000 unclosed": "[" * 3000,
    "nested once too deeply": nested(MOST_BRACKETS),
    "100 kB": mint.claims(x="x" * 100_000),
    "claims a list": [mint.claims()],
    "claims text": '"x"',
    "claims null": "null",
    "claims empty": b" ",
    "claims not UTF-8": b'{"email": "\xff"}',
    "claims and more": json.dumps(mint.claims()) + "{}",
}
SIGNED = {
    **{name: mint.handmade_bearer(head) for name, head in HEADERS.items()},
    **{name: mint.handmade_bearer(body=body) for name, body in CLAIMS.items()},
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
    segments = [mint.segment(honest | {"x": "x" * number}) for number in range(4)]
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
    "payload trailing bits": f"{HEAD}.{trailing_bits(of_length(mint.claims(), 2))}.{SIGNATURE}",
    "header trailing bits of two": f"{trailing_bits(of_length(mint.header(), 3))}.{BODY}.{SIGNATURE}",
    "header trailing bits of four": f"{trailing_bits(of_length(mint.header(), 2))}.{BODY}.{SIGNATURE}",
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
    "longer than any": "Bearer " + " " * (LONGEST_CREDENTIAL - len(GENUINE)) + GENUINE,
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
    "another key under the known id": mint.handmade_bearer(key="unknown"),
    "another key under its own id": mint.handmade_bearer(mint.header(kid="unknown"), key="unknown"),
    "another account, not signed": mint.handmade_bearer(body=mint.claims(email="a@b.test"), key="unknown"),
    "claims of another token": f"Bearer {HEAD}.{mint.segment(mint.claims(sub='1'))}.{SIGNATURE}",
    "header of another token": f"Bearer {mint.segment(mint.header(x=1))}.{BODY}.{SIGNATURE}",
    "no signature to speak of": f"Bearer {HEAD}.{BODY}.AAAA",
    "signature cut short": f"Bearer {HEAD}.{BODY}.{SIGNATURE[:-2]}",
    "key id with a surrogate": mint.handmade_bearer(raw(mint.header(), kid='"\\ud800"')),
    "key id of a path": mint.handmade_bearer(mint.header(kid="../../etc/passwd")),
}
