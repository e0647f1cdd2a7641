"""Text as it must be typed: in quotes of Hydra's grammar, and those in quotes of a shell."""

from __future__ import annotations

import re
import shlex

# What a shell still reads between double quotes.
READ_BY_SHELLS = set('"$`!\\')
OTHER_VALUES = {"true", "false", "null", "inf", "nan"}  # words that Hydra reads as no text


def quote(text: str) -> str:
    """Any text as the value of an override."""
    # Verbs, which quote seldom, should not wait for Hydra.
    from hydra.core.override_parser.types import Quote, QuotedString

    return QuotedString(text=text, quote=Quote.single).with_quotes()


def quote_if_needed(text: str) -> str:
    """Any text as the value of an override, without quotes where it reads as a word."""
    is_word = re.fullmatch(r"[A-Za-z/][\w./-]*", text) and text.lower() not in OTHER_VALUES
    return text if is_word else quote(text)


def for_shell(text: str) -> str:
    """Any text as one word of a command line, in double quotes where those are enough."""
    return shlex.quote(text) if READ_BY_SHELLS & set(text) else f'"{text}"'


def quote_override(key: str, value: str) -> str:
    """The command line that gives a setting this text, whatever is in it."""
    return for_shell(f"{key}={quote(value)}")
