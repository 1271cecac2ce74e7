from __future__ import annotations

import json

from abbey.engine.redact import Redactor
from abbey.secrets import Secret, SecretRef

PASSWORD, KEY, PIN, NONE = SecretRef("a/password"), SecretRef("a/key"), SecretRef("a/pin"), SecretRef("a/none")
ODD = SecretRef("a/odd")
TEXTS = {
    PASSWORD: Secret("p+a/ss=word"),
    KEY: Secret("-----BEGIN KEY-----\nQUJDREVG\n-----END KEY-----\n"),
    PIN: Secret("7"),
    ODD: Secret('é"\\odd'),
}
redact = Redactor([PASSWORD, KEY, PIN, NONE, ODD], TEXTS.get)


def test_a_secret_is_replaced_by_its_name_in_every_form() -> None:
    assert redact("user:p+a/ss=word@db") == "user:<secret a/password>@db"
    assert redact("postgres://app:p%2Ba%2Fss%3Dword@db/app") == "postgres://app:<secret a/password>@db/app"
    assert redact(json.dumps({"is": 'é"\\odd'})) == '{"is": "<secret a/odd>"}'
    assert redact(json.dumps({"is": 'é"\\odd'}, ensure_ascii=False)) == '{"is": "<secret a/odd>"}'
    assert redact("bad line QUJDREVG in key") == "bad line <secret a/key> in key"


def test_what_is_no_secret_stays() -> None:
    assert redact("exit code 7 -----BEGIN KEY-----") == "exit code 7 -----BEGIN KEY-----"


def test_the_redactor_does_not_show_what_it_knows() -> None:
    assert repr(redact) == "<redactor>"
