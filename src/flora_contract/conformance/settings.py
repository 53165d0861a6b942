"""What a run of the suite is told: the server, the accounts, how far it may go."""

from __future__ import annotations

import ipaddress
import os
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from flora_contract.conformance.exchange import BROKE, OTHER, OWNER
from flora_contract.conformance.flora.values import FAILING, MOCK_ACCOUNTS, PLACES
from flora_contract.conformance.ledger import Caller, Facts
from flora_contract.errors import InputError

Profile = Literal["full", "free", "read-only"]
PROFILES: tuple[Profile, ...] = ("full", "free", "read-only")

CONFIG_FILE = "flora-contract.toml"

ENVIRONMENT = {
    "api_key": "FLORA_API_KEY",
    "broke_api_key": "FLORA_BROKE_API_KEY",
    "other_api_key": "FLORA_OTHER_API_KEY",
}


@dataclass(frozen=True)
class CheckSettings:
    """Options of `flora-contract check`, under the same names. Times are seconds, money US dollars.

    None means: not given. Keys stay out of the repr.
    """

    base_url: str = ""
    api_key: str | None = field(default=None, repr=False)
    broke_api_key: str | None = field(default=None, repr=False)
    other_api_key: str | None = field(default=None, repr=False)
    workspace: str | None = None
    project: str | None = None
    second_workspace: str | None = None
    second_project: str | None = None
    foreign_workspace: str | None = None
    foreign_project: str | None = None
    broke_workspace: str | None = None
    broke_project: str | None = None
    failing_model: str | None = None
    profile: Profile | None = None
    max_spend: float | None = None
    poll_interval: float | None = None
    max_wait: float | None = None
    timeout: float | None = None
    seed: int = 0
    time_budget: float | None = None
    fail_fast: bool = False
    thorough: bool = False
    workers: int | None = None
    estimated: bool = False

    @property
    def loopback(self) -> bool:
        """Whether the server is on this machine."""
        host = urlsplit(self.base_url).hostname or ""
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    @property
    def facts(self) -> Facts:
        """What oracles may know."""
        home, second = self._place(""), self._place("second_")
        foreign, broke = self._place("foreign_"), self._place("broke_")
        return Facts(
            callers=(
                Caller(OWNER, tuple(p for p in (home, second) if p)),
                Caller(OTHER, (foreign,) if foreign else ()),
                Caller(BROKE, tuple(p for p in (broke or home,) if p)),
            ),
            failing={FAILING: self.failing_model} if self.failing_model else {},
            wait_seconds=self.max_wait,
            estimated=self.estimated,
        )

    def _place(self, prefix: str) -> dict[str, str]:
        """The ids that options name together, by kind of resource."""
        named = {kind: getattr(self, f"{prefix}{option}") for kind, option in PLACES.items()}
        return {kind: id_ for kind, id_ in named.items() if id_}

    @property
    def secrets(self) -> list[str]:
        """Every key, for redaction."""
        return [k for k in (self.api_key, self.broke_api_key, self.other_api_key) if k]


def gather(given: dict[str, Any], config: Path | None = None) -> CheckSettings:
    """Settings from options, then the environment, then the configuration file, then defaults.

    On loopback, a run that names no account at all gets those of the mock. Raises InputError
    for what cannot be used together.
    """
    options = {name: value for name, value in given.items() if value is not None}
    from_file = _read(config)
    environment = {n: os.environ[v] for n, v in ENVIRONMENT.items() if os.environ.get(v)}
    settings = CheckSettings(**{**from_file, **environment, **options})
    _check_url(settings.base_url)
    settings = replace(settings, base_url=settings.base_url.rstrip("/"))
    if settings.loopback and not any(n in from_file or n in options for n in MOCK_ACCOUNTS):
        settings = replace(settings, **MOCK_ACCOUNTS)
    return _complete(settings)


LEAST = {
    "max_spend": 0.0,
    "poll_interval": 0.0,
    "max_wait": 0.0,
    "timeout": 0.01,
    "time_budget": 0.01,
    "workers": 1,
}
"""The smallest value of each option that is a number with a bound."""


def _complete(settings: CheckSettings) -> CheckSettings:
    for name, least in LEAST.items():
        value = getattr(settings, name)
        if value is not None and not value >= least:
            option = f"--{name}".replace("_", "-")
            raise InputError(f"{option} {value:g}: give {least:g} or more")
    if settings.api_key is None:
        raise InputError("no API key: give --api-key or set FLORA_API_KEY")
    for name in ("", "second_", "foreign_", "broke_"):
        options = [f"{name}{option}" for option in PLACES.values()]
        if len({getattr(settings, option) is None for option in options}) > 1:
            shown = " and ".join(f"--{option}".replace("_", "-") for option in options)
            raise InputError(f"{shown} are given together or not at all")
    profile = settings.profile or ("full" if settings.loopback else "free")
    if profile == "full" and not settings.loopback and settings.max_spend is None:
        raise InputError(
            "profile full starts runs that cost money: give --max-spend USD, or --profile free"
        )
    near = settings.loopback
    return replace(
        settings,
        profile=profile,
        estimated=settings.max_wait is None,
        max_wait=settings.max_wait if settings.max_wait is not None else (60 if near else 600),
        timeout=settings.timeout if settings.timeout is not None else (5 if near else 30),
    )


def _check_url(url: str) -> None:
    if not url:
        raise InputError(
            "--base-url is missing: name the server, such as http://127.0.0.1:4010/api/v1"
        )
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InputError(f"--base-url {url}: not an http URL, such as http://127.0.0.1:4010/api/v1")


def _read(config: Path | None) -> dict[str, Any]:
    path = config if config is not None else Path(CONFIG_FILE)
    if config is None and not path.is_file():
        return {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None
    table = tables.get("check", {})
    types = {f.name: f.type for f in fields(CheckSettings)}
    settings: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in types:
            raise InputError(f"{path}: [check] has no option {key}")
        settings[name] = _typed(path, key, value, str(types[name]))
    return settings


def _typed(path: Path, key: str, value: Any, annotation: str) -> Any:
    wanted: tuple[type, ...]
    if "float" in annotation:
        wanted = (int, float)
    elif annotation == "int":
        wanted = (int,)
    elif annotation == "bool":
        wanted = (bool,)
    else:
        wanted = (str,)
    right = isinstance(value, wanted) and (bool in wanted or not isinstance(value, bool))
    if not right or ("Profile" in annotation and value not in PROFILES):
        raise InputError(f"{path}: [check] {key} = {value!r} has the wrong type")
    return value
