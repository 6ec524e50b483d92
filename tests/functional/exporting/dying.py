"""A program that runs the jobs of a site until it is killed; `test_killed.py` kills it."""

import sys
from pathlib import Path

from engine import Site

if __name__ == "__main__":
    folder, url = sys.argv[1:]
    with Site.open(Path(folder), database_url=url) as site:
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        site.jobs.run_due()
