"""`sandbox serve`: the HTTP service."""

from __future__ import annotations

import contextlib
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sandbox.errors import HostError
from sandbox.harden import harden

if TYPE_CHECKING:
    from sandbox.service.service import Service
    from sandbox.service.settings import Settings

FIRST_SCOPES = ("run", "submit", "manage", "admin")


def config_options(function: Any) -> Any:
    """The options that say where the settings and the database are."""
    for option in (
        click.option("--database", metavar="URL", help="SQLAlchemy's URL of the database (default: SQLite in --data)."),
        click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Where everything is kept."),
        click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Settings, as TOML."),
    ):
        function = option(function)
    return function


@click.command()
@config_options
@click.option("--host", metavar="ADDRESS", help="Address to listen on (default: 127.0.0.1).")
@click.option("--port", type=int, metavar="N", help="Port to listen on (default: 8075); 0 is any that is free.")
@click.option("--slots", type=int, metavar="N", help="Programs that run at one time (default: one for each CPU).")
@click.option("--check", is_flag=True, help="Only say if the settings, the database and the host will do.")
@click.option("--no-first-key", is_flag=True, help="Print no key at the first start.")
def serve(config: Path | None, check: bool, no_first_key: bool, **flags: Any) -> None:
    """Run and judge programs for others, over HTTP.

    SIGTERM lets what runs end, and begins nothing more; SIGHUP reads policies and languages again.

    \b
    Exit codes: 0 after SIGTERM; 1 if something that ran had to be ended; 2 for wrong settings;
      125 if the service cannot be started.
    """
    from sandbox.service import logs
    from sandbox.service.service import Service
    from sandbox.service.settings import Settings

    settings = Settings.load(config, **flags)
    harden()
    logs.install(settings.log)
    service = Service(settings)
    if check:
        _check(service)
    if not no_first_key and not service.keys.list():
        key, token = service.keys.make("default", FIRST_SCOPES, "first")
        click.echo(f"The first key, for everything, which is shown only now (tenant default, id {key}):\n{token}")
    sys.exit(_serve(service, settings))


def _check(service: Service) -> None:
    """Try a program under each policy; ends the command."""
    from sandbox import Box

    for name, policy in service.policies.items():
        with Box(policy):
            click.echo(f"policy {name}: a box can be made")
    click.echo(
        f"database {service.database.url!r}: up to date\n"
        f"would listen on {service.settings.host}:{service.settings.port}"
    )
    service.database.close()
    sys.exit(0)


def _serve(service: Service, settings: Settings) -> int:
    import uvicorn

    from sandbox.service.app import create_app
    from sandbox.service.connection import Connection

    class Server(uvicorn.Server):
        """Ends by SIGTERM and SIGINT as an exit, not by the signal once more."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self.handle_exit)
            yield

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a connection is a descriptor
    config = uvicorn.Config(
        create_app(service), http=Connection, host=settings.host, port=settings.port, log_config=None, access_log=False,
        timeout_graceful_shutdown=int(settings.drain) + 5, server_header=False, proxy_headers=False,
        ws_max_size=settings.body, limit_concurrency=max(64, most // 2),
    )  # fmt: skip
    signal.signal(signal.SIGHUP, lambda *_: service.reload_soon())
    server = Server(config)
    with contextlib.suppress(SystemExit):  # which is how it says that it cannot listen
        server.run()
    if not server.started:
        raise HostError(f"cannot serve on {settings.host}:{settings.port}; the log says why")
    return 0 if service.ended_well else 1
