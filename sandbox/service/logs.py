"""Logs: a line of JSON for each event, on stderr, with the ids of what it belongs to."""

from __future__ import annotations

import logging
import sys

import structlog


def install(level: str) -> None:
    """Have everything of this process logged so, from this level on."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(sort_keys=False)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=shared,
        )
    )  # fmt: skip
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers = []
    logging.getLogger("uvicorn.access").disabled = True  # there is a line for every request already
    logging.getLogger("alembic").setLevel(logging.WARNING)
