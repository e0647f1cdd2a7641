from __future__ import annotations

import pytest

from energy_sweep.record import BadInput
from energy_sweep.study.address import has_password, hide_passwords, parse_address


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("sqlite:///study.db", "sqlite is none of ours: leave it out for a file"),
        ("mysql://me:secret@host/db", "mysql is none of ours: type storage=postgresql://"),
        ("study.db", "type storage=postgresql://USER@HOST/DATABASE, or leave it out"),
        ("postgresql://me:secret@host:port/db", "its port is no number"),
        (5, "type storage=postgresql://"),
    ],
)
def test_what_is_no_address_of_ours_is_refused_without_its_password(typed: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as refused:
        parse_address(typed)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("typed", "url", "password"),
    [
        ("postgresql://me@host:1/db", "postgresql://me@host:1/db", None),
        ("postgresql+psycopg://me@host/db", "postgresql://me@host/db", None),
        ("postgresql:///?service=mine", "postgresql:///?service=mine", None),
        ("postgresql://me:a/%40:b@host/db", "postgresql://me@host/db", "a/@:b"),
        (
            "postgresql://me@/db?host=/run/x&password=p&sslmode=verify-full",
            "postgresql://me@/db?host=/run/x&sslmode=verify-full",
            "p",
        ),
    ],
)
def test_a_password_is_kept_beside_the_address(typed: str, url: str, password: str | None) -> None:
    address = parse_address(typed)
    assert address.url == url
    assert address.secrets.get("password") == password
    assert password is None or f"'{password}'" not in repr(address)


def test_a_secret_is_hidden_however_it_is_written() -> None:
    address = parse_address("postgresql://me:a%2Fb%20c@host/db")
    assert address.redact("a/b c, a%2Fb%20c and a/b%20c") == "***, *** and ***"
    assert hide_passwords("postgresql://me:x@h/d?password=y&z=1") == (
        "postgresql://me:***@h/d?password=***&z=1"
    )


def test_one_database_is_one_place_whoever_asks_and_however() -> None:
    one, other = (
        parse_address(text).place
        for text in ("postgresql://a@h/db?sslmode=require", "postgresql://b@h:5432/db")
    )
    assert one == other != parse_address("postgresql://a@h/other").place


def test_a_variable_that_holds_a_password_is_no_password() -> None:
    assert not has_password("postgresql://me:${oc.env:SECRET}@host/db")
    assert not has_password("postgresql://me@host:5432/db?sslmode=require")
    assert has_password("postgresql://me:x@host/db")
    assert has_password("postgresql://me@host/db?password=x")
