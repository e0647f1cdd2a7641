"""The address of a database elsewhere, as it is typed: which there are, and no password in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from energy_sweep.record import BadInput

SCHEMES = ("postgresql", "postgresql+psycopg")
EXAMPLE = "storage=postgresql://USER@HOST/DATABASE"
HIDDEN = "***"
PASSWORDS = ("password", "sslpassword")  # what libpq reads of an address's query and is secret
# An address's user with a password, which may hold any letter but the one that ends it.
IN_FRONT = re.compile(r"(?P<front>://[^/?#@:\s]*):(?P<secret>[^@\s]*)@")
IN_QUERY = re.compile(rf"(?P<front>[?&](?:{'|'.join(PASSWORDS)})=)(?P<secret>[^&#\s\"']*)", re.I)
DEFAULT_PORT = 5432


@dataclass(frozen=True, slots=True)
class Address:
    """A database that a study may have instead of a file: `url` has no password, and no repr of
    this shows the `secrets`, by libpq's names."""

    url: str
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def redact(self, text: str) -> str:
        """A text without the secrets, however they are written."""
        for secret in sorted(filter(None, self.secrets.values()), key=len, reverse=True):
            for form in (secret, quote(secret, safe=""), quote(secret)):
                text = text.replace(form, HIDDEN)
        return hide_passwords(text)

    @property
    def place(self) -> tuple[str, ...]:
        """What makes two addresses one database: not who asks for it, and not how."""
        parts = urlsplit(self.url)
        query = dict(parse_qsl(parts.query))
        hosts = query.get("host", parts.hostname or "")
        port = query.get("port", str(parts.port or DEFAULT_PORT))
        name = query.get("dbname", unquote(parts.path.lstrip("/")))
        return hosts, port, name, query.get("service", "")


def has_password(text: str) -> bool:
    """Whether a text holds an address with a password."""
    found = [*IN_FRONT.finditer(text), *IN_QUERY.finditer(text)]
    return any(not _is_asked_for(one["secret"]) for one in found)


def _is_asked_for(secret: str) -> bool:
    """Whether a password is empty, or is the name of a variable that holds it."""
    return not secret or (secret.startswith("${") and secret.endswith("}"))


def hide_passwords(text: str) -> str:
    """A text in which no address shows its password."""
    text = IN_FRONT.sub(rf"\g<front>:{HIDDEN}@", text)
    return IN_QUERY.sub(rf"\g<front>{HIDDEN}", text)


def password_refusal(setting: str) -> BadInput:
    """The line for an address that is typed with its password, which it does not repeat."""
    return BadInput(
        f"{setting}: an address with a password would be written to disk: leave the password out,"
        " and export PGPASSWORD, or keep it in ~/.pgpass or a service file"
        " ('storage=\"postgresql:///?service=NAME\"'), or the whole address in a variable"
        " ('storage=${oc.env:NAME}')"
    )


def parse_address(text: object) -> Address:
    """The address that `storage` is set to; BadInput for one that no study can have."""
    if not isinstance(text, str) or "://" not in text:
        shown = hide_passwords(str(text))
        raise BadInput(
            f"storage={shown}: type {EXAMPLE}, or leave it out for a file in the study's folder"
        )
    shown, scheme = hide_passwords(text), text.partition("://")[0].lower()
    if scheme not in SCHEMES:
        cure = "leave it out for a file in the study's folder, or " if "sqlite" in scheme else ""
        raise BadInput(f"storage={shown}: {scheme} is none of ours: {cure}type {EXAMPLE}")
    given = IN_FRONT.search(text)
    bare = IN_FRONT.sub(r"\g<front>@", text)
    try:
        parts = urlsplit(f"postgresql://{bare.partition('://')[2]}")
        _ = parts.port
    except ValueError:
        raise BadInput(f"storage={shown}: its port is no number: type {EXAMPLE}") from None
    secrets = {"password": unquote(given["secret"])} if given else dict[str, str]()
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    secrets |= {name.lower(): word for name, word in pairs if name.lower() in PASSWORDS}
    query = urlencode([pair for pair in pairs if pair[0].lower() not in PASSWORDS], safe="/:,")
    url = urlunsplit(("postgresql", parts.netloc, parts.path or "/", query, ""))
    return Address(url.replace("postgresql:/?", "postgresql:///?"), secrets)
