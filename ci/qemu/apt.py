# SPDX-License-Identifier: BSD-3-Clause
"""Packages of the machine's own apt sources, unpacked into a folder: no root, and the system stays as it is."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class AptError(Exception):
    """Packages could not be fetched; the text says why."""


def unpack(
    packages: Sequence[str], folder: Path, architecture: str = "", release: str = ""
) -> None:
    """Download packages with all they depend on and unpack them into `folder`.

    architecture: of the packages, as Debian names it; default is the machine's. Sources, keys and access settings are the
    machine's own; state and cache live below `folder` while this runs. release: of Debian, instead of the machine's own; the
    packages then come from where its own come from.
    """
    for program in ("apt-get", "dpkg-deb"):
        if not shutil.which(program):
            raise AptError(f"this machine has no {program}")
    work = folder / ".apt"
    settings = _settings(work, architecture)
    if release:
        _use_release(work, settings, release)
    trouble = _apt(
        settings, "update"
    )  # a bad index does not matter if the others have the packages
    missing = _apt(settings, "install", "--download-only", "--yes", *packages)
    if missing:
        raise AptError("; ".join(text for text in (trouble, missing) if text))
    archives = sorted((work / "cache" / "archives").glob("*.deb"))
    if not archives:
        raise AptError(f"apt-get brought no packages for {' '.join(packages)}")
    for archive in archives:
        trouble = _run(["dpkg-deb", "--extract", str(archive), str(folder)])
        if trouble:
            raise AptError(trouble)
    versions = [f"{archive.stem}\n" for archive in archives]
    (folder / "packages.txt").write_text("".join(versions), encoding="utf-8")
    shutil.rmtree(work)


def write_launchers(folder: Path, final: Path, programs: Mapping[str, str]) -> None:
    """Write scripts `folder`/bin/NAME, which start unpacked programs (paths below the folder) once the folder is `final`.

    A dynamic program runs with the libraries that came with it, not the machine's.
    """
    loaders, libraries = _libraries(folder)
    (folder / "bin").mkdir(exist_ok=True)
    for name, program in programs.items():
        command = [str(final / program)]
        if loaders:
            path = ":".join(str(final / place.relative_to(folder)) for place in libraries)
            loader = final / loaders[0].relative_to(folder)
            command = [str(loader), "--library-path", path, *command]
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
        script.chmod(0o755)


def slim(folder: Path, programs: Sequence[str]) -> None:
    """Remove all files below the folder but programs (paths below it) and the libraries that they load.

    Programs of this machine only: their own loader tells.
    """
    loaders, libraries = _libraries(folder)
    if not loaders:
        raise AptError(f"the packages for {' '.join(programs)} have no program loader")
    keep = {loaders[0].resolve(), folder / "packages.txt", *(folder / name for name in programs)}
    path = ":".join(map(str, libraries))
    for program in programs:
        command = [str(loaders[0]), "--library-path", path, "--list", str(folder / program)]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        keep.update(Path(name).resolve() for name in re.findall(r"=> (/\S+)", listed))
    for file in [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]:
        if file.resolve() not in keep:
            file.unlink()
    for place in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        if not any(place.iterdir()):
            place.rmdir()


def _libraries(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the program loaders in an unpacked folder, and the folders of libraries."""
    patterns = ("lib*", "lib/*", "usr/lib*", "usr/lib/*")
    places = [place for pattern in patterns for place in folder.glob(pattern)]
    loaders = [loader for place in places for loader in place.glob("ld-linux*.so.*")]
    return loaders, [place for place in places if any(place.glob("*.so.*"))]


def _settings(work: Path, architecture: str) -> Path:
    """Write an apt configuration that replaces all that apt would write to, and nothing else."""
    for part in ("state/lists/partial", "cache/archives/partial"):
        (work / part).mkdir(parents=True)
    (work / "status").touch()
    lines = [
        f'Dir::State "{work}/state";',
        f'Dir::State::status "{work}/status";',
        f'Dir::Cache "{work}/cache";',
        'Acquire::Languages "none";',
        'Acquire::Retries "3";',
        'APT::Install-Recommends "false";',
        'APT::Keep-Downloaded-Packages "true";',
        "#clear APT::Update::Pre-Invoke;",
        "#clear APT::Update::Post-Invoke;",
        "#clear APT::Update::Post-Invoke-Success;",
    ]
    if os.geteuid() == 0:
        lines.append('APT::Sandbox::User "root";')  # apt's own user cannot write into the folder
    if architecture:
        lines.append(f'APT::Architecture "{architecture}";')
        lines.append(f'#clear APT::Architectures; APT::Architectures {{ "{architecture}"; }};')
    settings = work / "apt.conf"
    settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return settings


def _use_release(work: Path, settings: Path, release: str) -> None:
    """Add to the configuration that sources are those of another release of Debian, at the machine's own mirror."""
    found = None
    texts = [
        path.read_text(encoding="utf-8")
        for pattern in ("sources.list", "sources.list.d/*")
        for path in sorted(Path("/etc/apt").glob(pattern))
    ]
    for text in texts:
        found = found or re.search(r"^(?:deb .*?|URIs: *)(https?://\S+/debian/?)(?=\s)", text, re.M)
    if not found:
        raise AptError(f"this machine's apt sources have no mirror of Debian, for {release}")
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (work / "sources.list").write_text(
        f"deb [signed-by={keys}] {found[1]} {release} main\n", encoding="utf-8"
    )
    lines = [f'Dir::Etc::sourcelist "{work}/sources.list";', 'Dir::Etc::sourceparts "-";']
    settings.write_text(
        settings.read_text(encoding="utf-8") + "\n".join(lines) + "\n", encoding="utf-8"
    )


def _apt(settings: Path, *arguments: str) -> str:
    return _run(["apt-get", "--quiet", "--config-file", str(settings), *arguments])


def _run(command: Sequence[str]) -> str:
    """Run a command and return an empty text, or what went wrong."""
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if result.returncode == 0:
        return ""
    lines = (result.stderr or result.stdout).strip().splitlines()
    return f"{command[0]} failed: " + " / ".join(lines[-3:])
