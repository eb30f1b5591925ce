"""Print what a changelog on standard input says of a version: `release_notes.py v1.2.3 < CHANGELOG.md`."""

import re
import sys


def main() -> int:
    """Print the section; status 1 where there is none, or nothing in it."""
    version = sys.argv[1].removeprefix("v")
    sections = re.split(r"^## ", sys.stdin.read(), flags=re.MULTILINE)[1:]
    for section in sections:
        title, _, text = section.partition("\n")
        if re.match(rf"\[?{re.escape(version)}\]?(\s|$)", title) and text.strip():
            print(text.strip())
            return 0
    print(f"CHANGELOG.md says nothing of {version}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
