"""Print constraints for pip: the lowest version that setup.cfg allows of each package that users install."""

from __future__ import annotations

import configparser
from pathlib import Path

from packaging.requirements import Requirement

DEVELOPMENT_EXTRAS = ("bench", "dev", "docs", "mutation")


def main() -> None:
    """Print one line for each requirement with a lower bound."""
    setup = configparser.ConfigParser()
    setup.read(Path(__file__).parents[1] / "setup.cfg", "utf-8")
    extras = setup["options.extras_require"]
    groups = [
        setup["options"]["install_requires"],
        *(extras[name] for name in extras if name not in DEVELOPMENT_EXTRAS),
    ]
    for requirement in map(Requirement, "\n".join(groups).split()):
        for specifier in requirement.specifier:
            if specifier.operator == ">=":
                print(f"{requirement.name}=={specifier.version}")


if __name__ == "__main__":
    main()
