"""Identity tokens: RS256, as Authentik signs them, and as the app checks them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


class TokenError(Exception):
    """A token is not what it says."""


def new_key() -> str:
    """Return a fresh private key, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode()


def sign(claims: Mapping[str, Any], *, pem: str, kid: str) -> str:
    """Return the claims as a signed token."""
    head = {"alg": "RS256", "kid": kid, "typ": "JWT"}
    text = f"{_pack(json.dumps(head).encode())}.{_pack(json.dumps(claims).encode())}"
    return f"{text}.{_pack(_private(pem).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def jwk(pem: str, kid: str) -> dict[str, str]:
    """Return the public half of the key, as an entry of a JWKS document."""
    numbers = _private(pem).public_key().public_numbers()
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": _number(numbers.n), "e": _number(numbers.e)}


def verify(token: str, *, keys: list[dict[str, str]], issuer: str, audience: str, now: float) -> dict[str, Any]:
    """Return the claims. Raise TokenError when the signature, issuer, audience or time is wrong."""
    try:
        head, body, signature = token.split(".")
        header = json.loads(_unpack(head))
        claims: dict[str, Any] = json.loads(_unpack(body))
        if header["alg"] != "RS256":
            raise TokenError(f"signed with {header['alg']}")
        key = next(key for key in keys if key["kid"] == header["kid"])
        numbers = rsa.RSAPublicNumbers(
            e=int.from_bytes(_unpack(key["e"]), "big"), n=int.from_bytes(_unpack(key["n"]), "big")
        )
        numbers.public_key().verify(_unpack(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, KeyError, TypeError, StopIteration, InvalidSignature) as error:
        raise TokenError("not signed by the sign-in") from error
    if claims.get("iss") != issuer:
        raise TokenError(f"issued by {claims.get('iss')}, not by {issuer}")
    if claims.get("aud") != audience:
        raise TokenError(f"meant for {claims.get('aud')}")
    if not isinstance(expires := claims.get("exp"), int) or expires < now:
        raise TokenError("expired")
    return claims


def _private(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the signing key is not an RSA key")
    return key


def _pack(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _number(value: int) -> str:
    return _pack(value.to_bytes((value.bit_length() + 7) // 8, "big"))
