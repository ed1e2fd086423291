"""Write what settings.py says of itself: docs/reference/settings.md and config/default.toml (``--check``: compare)."""

from __future__ import annotations

import sys
from pathlib import Path

from poolhouse import settings

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "settings.md"
CONFIG = ROOT / "config" / "default.toml"


def page() -> str:
    """The reference page: a row a setting."""
    rows = []
    for name, default, about in settings.describe():
        shown = f"`{default}`" if default not in {"", '""'} else "–"
        rows.append(f"| `{name}` | `{settings.PREFIX}{name.upper()}` | {shown} | {about.replace('|', chr(92) + '|')} |")
    return "\n".join(
        [
            "# Settings",
            "",
            "Written from `settings.py` by `make docs`; do not edit.",
            "",
            f"A setting comes from the TOML file that `{settings.PREFIX}CONFIG` or `--config` names, then from the",
            "environment, then from the command line; the last one wins. Every environment variable has a twin that",
            "ends in `_FILE` and names a file to read the value from, as container secrets do; setting both is wrong.",
            "Wrong settings stop the start with exit code 2 and one message that names every fault.",
            "",
            "`config/default.toml` holds this list with the defaults, `config/production.example.toml` a start for a",
            "real installation, `config/demo.toml` what `make run` uses.",
            "",
            "| setting | in the environment | default | what it is |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def config() -> str:
    """The same as a TOML file in which every setting stands with its default."""
    lines = [
        "# Every setting with its default; written from settings.py by `make docs`. Copy the lines you change.",
        "",
    ]
    for name, default, about in settings.describe():
        lines.append(f"# {about}")
        lines.append(f"{name} = {default}" if default else f"# {name} =")
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


WRITTEN = {PAGE: page, CONFIG: config}


def stale() -> list[Path]:
    """The files that no longer say what settings.py says."""
    return [path for path, text in WRITTEN.items() if not path.is_file() or path.read_text("utf-8") != text()]


def main() -> int:
    """Write the files; with ``--check``, only say which are stale."""
    if "--check" in sys.argv[1:]:
        for path in stale():
            print(f"{path.relative_to(ROOT)} is not what settings.py says: run `make docs`")
        return 1 if stale() else 0
    for path in stale():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(WRITTEN[path](), "utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
