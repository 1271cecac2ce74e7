"""New secrets, by kind."""

from __future__ import annotations

import base64
import secrets
import string
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from abbey.errors import SecretError
from abbey.secrets import Kind, Secret

_LETTERS = string.ascii_letters + string.digits
_YEARS = timedelta(days=3650)


def generate(kind: Kind) -> Secret:
    """Return a new secret. Raise SecretError for a kind that is not made from nothing."""
    match kind:
        case Kind.PASSWORD:
            return Secret("".join(secrets.choice(_LETTERS) for _ in range(32)))
        case Kind.KEY:
            return Secret("".join(secrets.choice(_LETTERS) for _ in range(50)))
        case Kind.HEX:
            return Secret(secrets.token_hex(32))
        case Kind.BASE64:
            return Secret(base64.b64encode(secrets.token_bytes(32)).decode())
        case Kind.TLS_KEY:
            return _tls_key()
        case Kind.TLS_CERT | Kind.GIVEN:
            raise SecretError(f"a secret of kind {kind} cannot be made up")


def _tls_key() -> Secret:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        raise _no_cryptography() from None
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Secret(pem.decode())


def tls_certificate(key: Secret) -> Secret:
    """Return a self-signed certificate for the key, for the name `db`, good for ten years.

    It is no certificate authority: some readers refuse one that a server shows as its own. Raise SecretError when
    the cryptography package is missing or the key is not one.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    except ImportError:
        raise _no_cryptography() from None
    private = None
    with suppress(ValueError):
        private = serialization.load_pem_private_key(key.reveal().encode(), None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise SecretError("the stored TLS key is not an elliptic-curve key", hint="openssl ecparam writes such keys")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "db")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a host's clock may be behind
        .not_valid_after(now + _YEARS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("db")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    return Secret(certificate.public_bytes(serialization.Encoding.PEM).decode())


def _no_cryptography() -> SecretError:
    return SecretError(
        "a certificate needs the package cryptography, which is not installed", hint="pip install 'abbey-lab[tls]'"
    )
