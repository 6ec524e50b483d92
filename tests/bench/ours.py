"""The product under the bench: a site made with its own commands, whose `lead` is the floor's."""

from __future__ import annotations

import contextlib
import csv
import http.cookiejar
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench import people

PASSWORD = "correct horse battery staple"
COMMAND = Path(sys.executable).parent / "guanxi"

CONFIG = "packs: []\nlanguages: [en, zh]\n"
LEAD = """
entity: lead
label: {en: Lead, zh: 线索}
title: name
features: [owned, history, search]
fields:
  name: {type: text, required: true, max_length: 200, search: high}
  company: {type: text, max_length: 200, search: normal}
  phone: {type: phone}
  email: {type: email}
  stage: {type: select, options: {new: {}, contacted: {}, qualified: {}, proposal: {}, won: {}, lost: {}}}
  source: {type: select, options: {web: {}, fair: {}, referral: {}, call: {}, partner: {}}}
  country: {type: text, max_length: 2}
  city: {type: text, max_length: 60}
  industry: {type: text, max_length: 60}
  amount: {type: money, currency: CNY}
  score: {type: integer, min: 0, max: 100}
  website: {type: url}
  next_on: {type: date}
  note: {type: longtext}
---
view: lead.default
entity: lead
title: {en: Leads, zh: 线索}
columns:
  {name: {}, company: {}, stage: {widget: badge}, source: {}, country: {}, city: {}, amount: {}, score: {}, owner: {},
   updated_at: {}}
order: [-updated_at]
filters: [stage, owner]
---
view: lead.by_amount
entity: lead
title: {en: By amount, zh: 按金额}
columns: {name: {}, amount: {}, stage: {}, country: {}}
order: [-amount]
filters: [stage, country]
---
role: rep
grants:
  lead: {read: [own, team], create: all, update: [own, team]}
---
role: boss
grants:
  lead: {read: all, create: all, update: all, delete: all, export: all, transfer: all, import: all}
"""


class OurSite:
    """A site folder with its users; tokens and cookies of the boss and of one rep."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.folder = folder
        self.environment = {**os.environ, **({"DATABASE_URL": url} if url else {}), "GUANXI_SITE": str(folder)}
        self.tokens: dict[str, str] = {}

    def run(self, *arguments: str, stdin: str = "") -> Any:
        """Run a command and return its JSON.

        Raises:
            RuntimeError: it failed.
        """
        done = subprocess.run(
            [str(COMMAND), *arguments, "--json"],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in {0, 2}:
            raise RuntimeError(
                f"guanxi {' '.join(arguments)}: {done.returncode} {done.stdout[-2000:]} {done.stderr[-2000:]}"
            )
        return json.loads(done.stdout) if done.stdout.strip() else None

    def make(self) -> None:
        """Make the folder, publish the documents and add the users with their teams."""
        self.run("new", str(self.folder))
        (self.folder / "guanxi.yaml").write_text(CONFIG + _keep(self.folder / "guanxi.yaml"), encoding="utf-8")
        (self.folder / "schemas" / "lead.yaml").write_text(LEAD, encoding="utf-8")
        self.run("publish")
        self.run(
            "user",
            "add",
            "Boss",
            "--email",
            "boss@example.com",
            "--role",
            "boss",
            "--password-stdin",
            stdin=PASSWORD + "\n",
        )
        self.tokens["boss"] = self.run("token", "add", "boss@example.com")["token"]
        ids = []
        for number in range(people.USERS):
            email = f"rep{number}@example.com"
            made = self.run(
                "user",
                "add",
                f"Rep {number}",
                "--email",
                email,
                "--role",
                "rep",
                "--password-stdin",
                stdin=PASSWORD + "\n",
            )
            ids.append(made["id"])
        self.teams(ids)
        self.tokens["rep"] = self.run("token", "add", "rep1@example.com")["token"]

    def teams(self, ids: list[str]) -> None:
        """Put every fourth user into the same team."""
        from engine import SYSTEM, Site

        os.environ.update({key: value for key, value in self.environment.items() if key == "DATABASE_URL"})
        site = Site.open(self.folder)
        try:
            site.records.create(
                SYSTEM, "team", [{"name": f"Team {n}", "members": ids[n :: people.TEAMS]} for n in range(people.TEAMS)]
            )
        finally:
            site.close()

    def fill(self, count: int) -> None:
        """Import leads that belong to the reps in turn."""
        path = self.folder / "leads.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, [*people.FIELDS, "owner"])
            writer.writeheader()
            for number, lead in enumerate(people.leads(count)):
                writer.writerow({**lead, "owner": f"Rep {number % people.USERS}"})
        self.run("import", "lead", str(path))

    def command(self, port: int, workers: int) -> list[str]:
        """Return what starts the server."""
        return [str(COMMAND), "serve", "--port", str(port), "--workers", str(workers)]


def _keep(path: Path) -> str:
    """Return what `new` wrote, but for the keys that the bench sets itself."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not re.match(r"(packs|languages):", line)) + "\n"


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object) -> None:
        """Follow nothing."""


def sign_in(port: int, email: str) -> Mapping[str, str]:
    """Sign in as a browser does and return the headers that a signed-in browser sends.

    Raises:
        RuntimeError: the sign-in was refused.
    """
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(jar), urllib.request.ProxyHandler({}), _StayHere()
    )
    address = f"http://127.0.0.1:{port}/login"
    page = opener.open(address).read().decode()
    token = re.search(r'name="_token" value="([^"]+)"', page)
    form = {"_token": token[1] if token else "", "email": email, "password": PASSWORD}
    with contextlib.suppress(urllib.error.HTTPError):  # 303 to the first page, which is not wanted
        opener.open(address, urllib.parse.urlencode(form).encode()).read()
    cookies = {cookie.name: cookie.value or "" for cookie in jar}
    if "guanxi" not in cookies:
        raise RuntimeError(f"no sign-in for {email}: {sorted(cookies)}")
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
