"""Runs a client's job, and is its person: signs in on the pages, and approves the device whose code the client shows.

    walk.py URL EMAIL COMMAND...

The client says the code on its first line; once it is approved, it is told by a line. PASSWORD is in the environment.
"""

import html.parser
import http.cookiejar
import os
import subprocess
import sys
import urllib.parse
import urllib.request


class Form(html.parser.HTMLParser):
    """The form of a page's main part, as it is when nobody touches it."""

    def __init__(self, page):
        super().__init__()
        self.inside, self.action, self.fields = False, "", []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        field = dict(attributes)
        if tag == "main":
            self.inside = True
        elif self.inside and tag == "form":
            self.action = field["action"]
        elif self.inside and tag == "input" and (field.get("type") not in ("radio", "checkbox") or "checked" in field):
            self.fields.append((field["name"], field.get("value", "")))


class Browser:
    """What keeps cookies, and says where its forms come from."""

    def __init__(self, url):
        self.url = url
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(cookies)
        self.opener.addheaders = [("Origin", url)]

    def open(self, path, fields=None):
        body = None if fields is None else urllib.parse.urlencode(fields).encode()
        with self.opener.open(urllib.parse.urljoin(self.url, path), body) as answer:
            return answer.read().decode()

    def submit(self, page, **filled):
        """Sends a page's form, with what was filled in."""
        form = Form(page)
        kept = [(name, value) for name, value in form.fields if name not in filled]
        return self.open(form.action, kept + list(filled.items()))


def approve(url, email, code):
    browser = Browser(url)
    page = browser.open("/device?" + urllib.parse.urlencode({"user_code": code}))
    page = browser.submit(page, email=email, password=os.environ["PASSWORD"])
    page = browser.submit(page, user_code=code)
    page = browser.submit(page, answer="approve")
    assert "signed in" in page, page


def main(url, email, *command):
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        code = client.stdout.readline().strip()
        if code:
            approve(url, email, code)
        said, _ = client.communicate("approved\n" if code else None)
        sys.stdout.write(said)
    return client.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
