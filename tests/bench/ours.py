"""The product under the bench: a site whose `lead` is the floor's."""

from __future__ import annotations

import contextlib
import csv
import http.cookiejar
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from engine import SYSTEM, Site, create_folder
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
report: lead.by_month
entity: lead
title: {en: Amounts by month, zh: 每月金额}
group_by: [stage, month(next_on)]
measures: {amount: {sum: amount}}
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
    """A site folder with its people; tokens and cookies of the boss and of one rep."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.folder = folder
        self.environment = {**os.environ, "GUANXI_SITE": str(folder)}
        self.environment.pop("DATABASE_URL", None)
        if url is not None:
            self.environment["DATABASE_URL"] = url
        self.url = url
        self.tokens: dict[str, str] = {}
        self.site: Site
        """The site, open in the process of the bench too."""

    def make(self) -> None:
        """Make the folder, publish the documents and add the people with their teams."""
        create_folder(self.folder, database=self.url)
        config = self.folder / "guanxi.yaml"
        config.write_text(CONFIG + _keep(config), encoding="utf-8")
        (self.folder / "schemas" / "lead.yaml").write_text(LEAD, encoding="utf-8")
        self.site = Site.open(self.folder, database_url=self.url)
        self.site.publish()
        identity = self.site.identity
        boss = identity.add("Boss", "boss@example.com", ["boss"])
        reps = [identity.add(f"Rep {number}", f"rep{number}@example.com", ["rep"]) for number in range(people.USERS)]
        identity.set_password(reps[1], PASSWORD)
        self.tokens = {"boss": identity.add_token(boss, "bench")[1], "rep": identity.add_token(reps[1], "bench")[1]}
        teams = [{"name": f"Team {n}", "members": reps[n :: people.TEAMS]} for n in range(people.TEAMS)]
        self.site.records.create(SYSTEM, "team", teams)

    def fill(self, count: int) -> None:
        """Import leads that belong to the reps in turn."""
        path = self.folder / "leads.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, [*people.FIELDS, "owner"])
            writer.writeheader()
            for number, lead in enumerate(people.leads(count)):
                writer.writerow({**lead, "owner": f"Rep {number % people.USERS}"})
        self.site.import_file(SYSTEM, "lead", path)

    def loading(self, path: Path) -> list[str]:
        """Return what imports a file as an administrator does: with the command, in a process of its own."""
        return [str(COMMAND), "import", "lead", str(path), "--json"]

    def command(self, port: int, workers: int) -> list[str]:
        """Return what starts the server."""
        return [str(COMMAND), "serve", "--port", str(port), "--workers", str(workers)]

    def add_field(self, key: str) -> None:
        """Publish the documents with one field more."""
        path = self.folder / "schemas" / "lead.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("\n  note:", f"\n  {key}: {{type: text}}\n  note:", 1), encoding="utf-8")
        self.site.publish()

    def close(self) -> None:
        """Let go of the database."""
        self.site.close()


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
