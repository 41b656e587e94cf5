"""Every environment variable of customer360, once: its type, its default, its unit. Read nowhere else."""

import difflib
import os
import re
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from domain.errors import SetupError
from domain.notices.notice import MessageChannel

PREFIX = "C360_"
SHORTEST_SECRET = 16


class Settings(BaseSettings):
    """What the surroundings say. A URL that is absent means the embedded store below `home`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    home: Path = Field(
        default=Path(".c360"),
        description="Folder of embedded stores, keys and whatever else this machine keeps.",
    )
    database_url: str | None = Field(
        default=None,
        pattern=r"^postgres(ql)?://",
        description="PostgreSQL 18 or newer, as postgresql://user@host/name.",
    )
    neo4j_url: str | None = Field(
        default=None,
        pattern=r"^(bolt|neo4j)(\+s|\+ssc)?://",
        description="Neo4j 5.26 or newer, as neo4j://host:7687.",
    )
    neo4j_user: str = Field(default="neo4j", description="User of the graph.")
    neo4j_password: str = Field(default="", repr=False, description="Password of the graph.")
    redis_url: str | None = Field(
        default=None,
        pattern=r"^(rediss?|unix)://",
        description="Redis 7.2 or Valkey, as redis://host:6379/0.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8360, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    clock: AwareDatetime | None = Field(
        default=None,
        description="Fixes business time, as 1998-07-01T00:00:00+08:00; token expiry keeps real time.",
    )
    zone: ZoneInfo = Field(
        default=ZoneInfo("Asia/Shanghai"),
        description="The shop's time zone; its midnight ends a business day.",
    )
    allowed_origins: tuple[str, ...] = Field(
        default=(), description='Origins of pages elsewhere that may ask, as ["https://desk.example"].'
    )
    cache: bool = Field(
        default=True,
        description="Whether answers are kept; false computes every one, and changes nothing else.",
    )
    cache_memory_mb: int = Field(
        default=64, ge=0, description="Megabytes of answers that a serving process keeps itself; 0: none."
    )
    cache_seconds: int = Field(
        default=300, ge=1, description="Seconds an answer is kept at most; a change drops it at once."
    )
    cache_graph_seconds: int = Field(
        default=300,
        ge=1,
        description="Seconds recommendations and relationships are kept at most, while others' purchases change.",
    )
    notices_channels: tuple[MessageChannel, ...] = Field(
        default=(),
        description='Channels by which customers are told of tier changes, as ["SMS", "APP_PUSH"]; none: nobody is.',
    )
    notices_policies: tuple[str, ...] = Field(
        default=(), description="Codes of the policies whose changes are told; none: the shop's primary one."
    )
    notices_url: str | None = Field(
        default=None,
        pattern=r"^https?://[!-?A-~]+$",
        description="Where notices are posted, as https://gateway.example/notices; absent: they go into the log.",
    )
    notices_secret: str = Field(
        default="",
        repr=False,
        validate_default=True,
        description="Key of the signature of posted notices, at least 16 characters.",
    )
    notices_attempts: int = Field(
        default=12, ge=1, le=100, description="Attempts to post a notice before it is given up."
    )
    test_neo4j_url: str | None = Field(
        default=None, description="A Neo4j that tests may empty; only the tests read it."
    )
    python: str | None = Field(
        default=None, description="The Python that ./c360 sets up with; only the script reads it."
    )

    @field_validator("zone", mode="before")
    @classmethod
    def _known_zone(cls, name: object) -> ZoneInfo:
        try:
            return ZoneInfo(str(name))
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("there is no such time zone; an example is Asia/Shanghai") from None

    @field_validator("notices_url")
    @classmethod
    def _whole_url(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "http://none")
        if not parts.hostname or parts.port == 0:  # a port that is no number raises ValueError
            raise ValueError("it names no host and port")
        return url

    @field_validator("notices_secret")
    @classmethod
    def _hard_to_guess(cls, secret: str, given: ValidationInfo) -> str:
        if given.data.get("notices_url") and len(secret) < SHORTEST_SECRET:
            raise ValueError("what is posted must be signed")
        return secret


def read_settings() -> Settings:
    """The settings of this process. Raises SetupError, a sentence for each variable that cannot be used."""
    if sentences := [_unknown(name) for name in sorted(os.environ) if _is_unknown(name)]:
        raise SetupError(" ".join(sentences))
    try:
        return Settings()
    except ValidationError as error:
        raise SetupError(" ".join(_unusable(problem) for problem in error.errors())) from None
    except SettingsError as error:
        raise SetupError(_unreadable(str(error))) from None


def variables() -> dict[str, str]:
    """Every variable and what it means."""
    return {
        f"{PREFIX}{name.upper()}": field.description or "" for name, field in Settings.model_fields.items()
    }


def _is_unknown(name: str) -> bool:
    return name.startswith(PREFIX) and name not in variables()


def _unknown(name: str) -> str:
    """A misspelt variable must not quietly mean the embedded store."""
    near = difflib.get_close_matches(name, variables(), n=1)
    return f"There is no setting {name}{f'; did you mean {near[0]}?' if near else '.'}"


def _unreadable(words: str) -> str:
    """A list that is no JSON. The library names the field and nothing of the value."""
    found = re.search(r'field "(\w+)"', words)
    name = f"{PREFIX}{found[1].upper()}" if found else ""
    return f"{name} cannot be used: it is no JSON. It should be: {variables().get(name, words)}"


def _unusable(problem: ErrorDetails) -> str:
    """Without the value: addresses may carry passwords."""
    name = f"{PREFIX}{str(problem['loc'][0]).upper()}"
    return f"{name} cannot be used: {problem['msg']}. It should be: {variables()[name]}"
