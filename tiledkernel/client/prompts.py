"""What the person at the terminal or notebook is asked and told."""

from __future__ import annotations

import getpass
import os
import sys
import webbrowser
from collections.abc import Sequence
from typing import TextIO

from tiledkernel.client.errors import LoginError
from tiledkernel.client.messages import Provider
from tiledkernel.client.progress import in_ipython, in_notebook

ADVICE = (
    "This server wants to know who you are, and there is no terminal to ask at. Do one of these:\n"
    "- Make an API key (`tiledkernel api_key create`), and put it into the environment variable TILED_API_KEY, or pass "
    "it as api_key=.\n"
    "- Log in beforehand at a terminal (`tiledkernel login`): a login that is remembered is used.\n"
    "- If somebody can answer all the same, set TILED_FORCE_PROMPT=1.\n"
    "- In an application with a login of its own, get tokens with `password_grant` or `device_code_grant` of "
    "tiledkernel.client.context, and hand them to `context.configure_auth(tokens)`."
)
_OFF = ("", "0", "false", "no")
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


class CannotPrompt(LoginError):
    """Nobody can be asked: there is no terminal."""


class LoginFailed(LoginError):
    """Somebody was asked to log in, and did not."""


class PasswordRejected(LoginFailed):
    """No name and password were given that the server takes."""


def require_person() -> None:
    """CannotPrompt, with advice, if nobody can be asked."""
    forced = os.environ.get("TILED_FORCE_PROMPT", "").strip().lower() not in _OFF
    at_terminal = sys.stdin is not None and sys.stdin.isatty()
    if not (forced or at_terminal or in_ipython()):
        raise CannotPrompt(ADVICE)


def say(text: str = "", end: str = "\n") -> None:
    """Tell the person something, without what a terminal would take for commands."""
    shown = "".join(letter for letter in text if letter.isprintable() or letter == "\n")
    print(shown, end=end, file=_screen(), flush=True)


def _screen() -> TextIO:
    """Where a person looks; results of a command, which may go to a file, are kept apart."""
    return sys.stdout if in_notebook() or sys.stdout.isatty() else sys.stderr


def ask(prompt: str) -> str:
    """What the person types; nothing if the input has ended."""
    try:
        if _screen() is sys.stdout:
            return input(prompt).strip()
        say(prompt, end="")
        return input().strip()
    except EOFError:
        return ""


def ask_secret(prompt: str) -> str:
    """What the person types unseen; nothing if the input has ended."""
    try:
        return getpass.getpass(prompt)
    except EOFError:
        return ""


def choose(providers: Sequence[Provider]) -> Provider:
    """One of several ways to log in, chosen by its number; LoginFailed if the person does not want any."""
    if len(providers) == 1:
        return providers[0]
    say("Authentication providers:")
    for number, provider in enumerate(providers, start=1):
        say(f"{number} - {provider.provider}")
    by_answer = {str(number): provider for number, provider in enumerate(providers, start=1)}
    by_answer |= {provider.provider: provider for provider in providers}
    while answer := ask("Choose an authentication provider (or press Enter to cancel): "):
        if answer in by_answer:
            return by_answer[answer]
        say(f"Expected a number from 1 to {len(providers)}.")
    raise LoginFailed("the login is cancelled: no provider was chosen")


def open_browser(url: str) -> None:
    """Show a page, if there is a screen; a browser inside the terminal would take that away from its user."""
    has_screen = sys.platform in ("win32", "darwin") or any(os.environ.get(name) for name in _SCREENS)
    if has_screen and url.startswith(("http://", "https://")):
        try:
            webbrowser.open(url)
        except (OSError, webbrowser.Error):
            return  # its address has been printed
