"""Days as people write them are read alike in both languages, counted from one day."""

import json
import subprocess
from pathlib import Path

MODULE = Path(__file__).parents[2] / "ui" / "frontend" / "src" / "forms" / "days.js"

# Counted from Wednesday, 2026-01-28.
READ = {
    "today": "2026-01-28", "t": "2026-01-28", "今天": "2026-01-28", "tomorrow": "2026-01-29", "明天": "2026-01-29",
    "后天": "2026-01-30", "yesterday": "2026-01-27", "昨天": "2026-01-27",
    "fri": "2026-01-30", "Friday": "2026-01-30", "周五": "2026-01-30", "wed": "2026-02-04", "星期日": "2026-02-01",
    "next fri": "2026-02-06", "下周一": "2026-02-02", "next sunday": "2026-02-08",
    "3d": "2026-01-31", "+3 days": "2026-01-31", "-1d": "2026-01-27", "2w": "2026-02-11", "3天": "2026-01-31",
    "3天后": "2026-01-31", "1m": "2026-02-28", "1个月": "2026-02-28", "in 2 weeks": "2026-02-11",
    "1.12": "2026-12-01", "1.12.": "2026-12-01", "1.12.27": "2027-12-01", "1.2.2028": "2028-02-01",
    "12/1": "2026-12-01", "3月5日": "2026-03-05", "３月５日": "2026-03-05", "2026年3月5日": "2026-03-05",
    "2026/3/5": "2026-03-05", "2026-03-05": "2026-03-05", "29.2.2028": "2028-02-29",
}  # fmt: skip
REFUSED = ("", "someday", "30.2", "13/1", "2026-02-30", "99", "3x", "一", "next", "constructor", "3constructor")


def test_days_are_read_as_people_write_them(node: Path) -> None:
    asked = json.dumps([*READ, *REFUSED])
    script = f"""
      import {{ dayOf }} from {json.dumps(MODULE.as_uri())};
      const today = new Date(2026, 0, 28);
      const two = (number) => String(number).padStart(2, "0");
      const say = (day) => day && [day.getFullYear(), two(day.getMonth() + 1), two(day.getDate())].join("-");
      console.log(JSON.stringify({asked}.map((text) => say(dayOf(text, today)))));
    """
    done = subprocess.run(
        [node, "--input-type=module", "-e", script], capture_output=True, text=True, check=True, timeout=30
    )
    assert dict(zip([*READ, *REFUSED], json.loads(done.stdout), strict=True)) == {**READ, **dict.fromkeys(REFUSED)}
