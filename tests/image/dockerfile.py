"""A Dockerfile, read and carried out in a folder: enough of it for ours, and an error for the rest."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_PAIR = re.compile(r'([\w.]+)=("(?:[^"\\]|\\.)*"|\S*)')


@dataclass(frozen=True)
class Instruction:
    """One instruction: its keyword in upper case, and the rest of it in one line."""

    keyword: str
    rest: str


@dataclass
class Stage:
    """What one FROM begins: what it is given at build time, and what its environment is in the end."""

    base: str
    name: str | None
    instructions: list[Instruction] = field(default_factory=list)


def read(path: Path) -> tuple[dict[str, str], list[Stage]]:
    """Return the arguments before the first FROM with their defaults, and the stages."""
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    text = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE)
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if not line.strip():
            continue
        keyword, _, rest = line.strip().partition(" ")
        if keyword == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(_resolved(base, arguments), name or None))
        elif not stages:
            arguments.update([_argument(rest)])
        else:
            stages[-1].instructions.append(Instruction(keyword, rest))
    return arguments, stages


def environment(stage: Stage, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return what ENV sets in a stage, arguments at their defaults."""
    arguments: dict[str, str] = {}
    variables = dict(inherited)
    for instruction in stage.instructions:
        if instruction.keyword == "ARG":
            arguments.update([_argument(instruction.rest)])
        elif instruction.keyword == "ENV":
            variables.update(pairs(instruction.rest, {**arguments, **variables}))
    return variables


def pairs(rest: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Return what an ENV or a LABEL sets."""
    return {name: _resolved(value.strip('"'), variables) for name, value in _PAIR.findall(rest)}


def carry_out(stage: Stage, context: Path, root: Path, environ: Mapping[str, str]) -> None:
    """Do in a folder what a stage does in an image, with /opt inside the folder.

    Raises:
        AssertionError: An instruction is not understood, or one fails.
    """
    arguments: dict[str, str] = {}
    variables = dict(environ)
    here = root
    for instruction in stage.instructions:
        rest = moved(instruction.rest, root)
        match instruction.keyword:
            case "ARG":
                arguments.update([_argument(rest)])
            case "ENV":
                variables.update(pairs(rest, {**arguments, **variables}))
            case "WORKDIR":
                here = Path(rest)
                here.mkdir(parents=True)
            case "COPY":
                *sources, target = rest.split()
                for source in sources:
                    _copy(context / source, here / target)
            case "RUN":
                # What a mount keeps from build to build, the machine's own caches keep here.
                _run(re.sub(r"--mount=type=cache\S* ", "", rest), here, {**arguments, **variables})
            case "SHELL":
                assert rest == '["/bin/sh", "-eu", "-c"]', rest
            case keyword:
                raise AssertionError(f"{keyword} is not carried out here")


def moved(text: str, root: Path) -> str:
    """Return a text with what lies in /opt in the image moved into a folder."""
    return re.sub(r"(?<![\w./-])/opt/", f"{root}/opt/", text)


def _argument(rest: str) -> tuple[str, str]:
    name, _, default = rest.partition("=")
    return name, default


def _resolved(text: str, variables: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda found: variables[found[1] or found[2]], text)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target / source.name if target.is_dir() else target)


def _run(command: str, here: Path, variables: Mapping[str, str]) -> None:
    ran = subprocess.run(
        ["/bin/sh", "-eu", "-c", command], cwd=here, env=dict(variables), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, f"{command}\n{ran.stdout[-2000:]}{ran.stderr[-4000:]}"
