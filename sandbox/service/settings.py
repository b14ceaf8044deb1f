"""What an operator decides about a service: one model, from flags, the environment and a TOML file, in that order."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from sandbox import policy
from sandbox.errors import PolicyError, RequestError
from sandbox.request import Size, request_error

ENVIRONMENT = "SANDBOX_SERVE_"
"""How the variables begin: `SANDBOX_SERVE_PORT=80`, `SANDBOX_SERVE_QUOTA__RATE=5`."""

Bytes = Annotated[int, Size, Field(gt=0)]


def _data() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/sandbox")
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share", "sandbox").expanduser()


def _known(name: str) -> str:
    try:
        policy.load(name)
    except PolicyError as error:
        raise ValueError(str(error)) from None
    return name


class Quota(BaseModel):
    """What one tenant may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: Annotated[float, Field(gt=0)] = 100.0
    """Requests per second that start something, in the long run."""
    burst: Annotated[int, Field(gt=0)] = 1_000
    """Requests that may come at once, if there were fewer before."""
    running: Annotated[int, Field(gt=0)] = 1_000
    """Runs and submissions that are in slots at one time."""
    waiting: Annotated[int, Field(gt=0)] = 1_000
    """Runs that wait for a slot."""
    submissions: Annotated[int, Field(gt=0)] = 10_000
    """Submissions that are not judged yet."""
    storage: Bytes = 1 << 30
    """Bytes of files and problem packages."""
    cpu_seconds: Annotated[float, Field(gt=0)] = 36_000.0
    """CPU seconds of programs in one hour."""


class Settings(BaseSettings):
    """A service's settings; `Settings.load` reads them."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENVIRONMENT, env_nested_delimiter="__", validate_default=False
    )

    host: str = "127.0.0.1"
    """Address to listen on. Others than the loopback's belong behind a proxy that speaks TLS."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8075
    """Port to listen on; 0 is any that is free."""
    data: Path = Field(default_factory=_data)
    """Directory of files, problem packages and, if `database` says nothing else, the database."""
    database: str = ""
    """SQLAlchemy's URL of the database; SQLite in `data` if empty."""
    slots: Annotated[int, Field(gt=0, le=1024)] = min(os.cpu_count() or 1, 1024)
    """Programs that run at one time."""
    queue: Annotated[int, Field(gt=0)] = 2_000
    """Runs that wait for a slot, of all tenants; further ones are refused."""
    wait: Annotated[float, Field(gt=0)] = 60.0
    """Seconds that a run waits for a slot, at most."""
    trial: Annotated[float, Field(gt=0)] = 300.0
    """Seconds that a package may take to be tried when it is put, or verified."""
    policies: tuple[Annotated[str, AfterValidator(_known)], ...] = (
        "native", "compile", "python", "java", "node", "shell",
    )  # fmt: skip
    """Policies that requests may name."""
    overlay: Annotated[str, Field(pattern=r"^[a-z0-9-]*$")] = ""
    """Laid over every policy, as `weak-no-cgroup` where there are no control groups."""
    body: Bytes = 64 << 20
    """Bytes of a request's body."""
    body_time: Annotated[float, Field(gt=0)] = 60.0
    """Seconds in which a request's body has to come."""
    batch: Annotated[int, Field(gt=0)] = 1_000
    """Runs in one batch."""
    file_days: Annotated[float, Field(gt=0)] = 7.0
    """Days that an uploaded file is kept, if the request does not say less."""
    attempts: Annotated[int, Field(gt=0)] = 5
    """Times that a submission is judged, if the sandbox, not the program, fails; then it ends as JE."""
    back_off: Annotated[float, Field(gt=0, le=60)] = 1.0
    """Seconds until it is judged again; each time twice as many, up to a minute."""
    cors: tuple[str, ...] = ()
    """Origins of other sites whose pages may use the API."""
    webhooks: tuple[str, ...] = ()
    """Names of hosts, which then have addresses of the internet, or networks such as 10.1.0.0/16, that webhooks may go
    to; none, if there are none."""
    webhook_secret: SecretStr = SecretStr("")
    """What signatures of webhooks are made with; needed for them."""
    drain: Annotated[float, Field(ge=0)] = 30.0
    """Seconds that what runs has to end when the service is told to."""
    quota: Quota = Quota()
    """What a tenant may use, of whom nothing else is said."""
    quotas: dict[str, Quota] = Field(default_factory=dict)
    """By the name of a tenant."""
    log: Annotated[str, BeforeValidator(str.lower), Field(pattern="^(debug|info|warning|error)$")] = "info"

    @model_validator(mode="after")
    def _signs(self) -> Settings:
        if self.webhooks and len(self.webhook_secret.get_secret_value()) < 16:
            raise ValueError("webhooks need a webhook_secret of 16 characters at least")
        return self

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, *_: PydanticBaseSettingsSource, **_others: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        """Flags, then the environment, then the file."""
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        if cls.model_config.get("toml_file"):
            sources += (TomlConfigSettingsSource(settings_cls),)
        return sources

    @classmethod
    def load(cls, file: Path | None = None, **flags: Any) -> Settings:
        """Read them; `RequestError` names the first that is wrong. Flags that are `None` say nothing."""
        given = {name: value for name, value in flags.items() if value is not None}
        kind: type[Settings] = (
            type("Settings", (cls,), {"model_config": SettingsConfigDict(toml_file=file)}) if file else cls
        )
        if file is not None and not file.is_file():
            raise RequestError(str(file), "there is no such file")
        try:
            return kind(**given)
        except ValidationError as error:
            raise request_error(error) from None
        except ValueError as error:  # no TOML
            raise RequestError(str(file), str(error)) from None

    def policy_name(self, name: str) -> str:
        """Of a policy, with what is laid over it."""
        return f"{name}+{self.overlay}" if self.overlay else name

    @property
    def database_url(self) -> str:
        """Where the database is."""
        return self.database or f"sqlite:///{self.data.absolute()}/sandbox.db"

    def quota_of(self, tenant: str) -> Quota:
        """What a tenant may use."""
        return self.quotas.get(tenant, self.quota)
