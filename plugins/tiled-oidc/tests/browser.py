"""A browser: follows redirects, keeps cookies, and fills in the forms that it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Self

import httpx

MOST_PAGES = 30


class Form(HTMLParser):
    """The first form of a page: where it goes, and its fields with what stands in them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.method = "get"
        self.fields: dict[str, str] = {}
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form" and self.action is None:
            self.action, self._inside = attributes.get("action") or "", True
            self.method = (attributes.get("method") or "get").lower()
        elif tag == "input" and self._inside and attributes.get("name"):
            self.fields[str(attributes["name"])] = attributes.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


class Browser:
    """Somebody at a browser, who fills in what `answers` says wherever a form asks for it."""

    def __init__(self, **answers: str) -> None:
        self.client = httpx.Client(timeout=20, follow_redirects=False)
        self.answers = answers
        self.pages: list[httpx.Response] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.client.close()

    def visit(self, url: str, until: Callable[[str], bool] = lambda _: False) -> httpx.URL | httpx.Response:
        """The first address for which `until` holds, which is not visited; else the last page, which has no form."""
        response = self._keep(self.client.get(url))
        for _ in range(MOST_PAGES):
            if response.has_redirect_location:
                goal = response.url.join(response.headers["location"])
                if until(str(goal)):
                    return goal
                response = self._keep(self.client.get(goal))
                continue
            form = Form(response.text) if response.is_success else None
            if form is None or form.action is None or (form.fields and not self._helps(form.fields)):
                return response
            response = self._submit(response, form)
        raise AssertionError(f"the pages go on and on: {[page.url for page in self.pages]}")

    def _submit(self, response: httpx.Response, form: Form) -> httpx.Response:
        fields = form.fields | {name: text for name, text in self.answers.items() if name in form.fields}
        goal = response.url.join(form.action) if form.action else response.url
        origin = {"origin": f"{response.url.scheme}://{response.url.netloc.decode()}", "referer": str(response.url)}
        if form.method == "post":
            return self._keep(self.client.post(goal, data=fields, headers=origin))
        return self._keep(self.client.get(goal, params=fields, headers=origin))

    def _helps(self, fields: Mapping[str, str]) -> bool:
        """Whether every field is one that the page has filled in, or that somebody here has an answer for."""
        return all(text or name in self.answers for name, text in fields.items())

    def _keep(self, response: httpx.Response) -> httpx.Response:
        self.pages.append(response)
        return response
