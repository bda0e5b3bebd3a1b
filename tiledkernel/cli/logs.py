"""What the server logs, and how."""

from __future__ import annotations

import copy
import json
import logging
import logging.config
import time
from pathlib import Path
from typing import Any

from uvicorn.config import LOGGING_CONFIG

from tiledkernel import references
from tiledkernel.errors import ConfigurationError

STAMPED = ("access", "default")


def logging_config(path: str | None, *, timestamps: bool, verbose: bool = False) -> dict[str, Any] | str:
    """A configuration for `logging.config`, read from a file or our own; the path itself of an .ini file."""
    if path is None:
        config: dict[str, Any] = copy.deepcopy(LOGGING_CONFIG)
        level = "DEBUG" if verbose else "INFO"
        config["loggers"]["tiledkernel"] = {"handlers": ["default"], "level": level, "propagate": False}
        config["loggers"]["tiledkernel.access"] = {"handlers": ["access"], "level": "INFO", "propagate": False}
    elif Path(path).suffix in {".json", ".yml", ".yaml"}:
        config = _read(Path(path))
    elif timestamps:
        raise ConfigurationError(f"--log-timestamps needs a .json or .yml logging configuration, not {path!r}")
    elif not Path(path).is_file():
        raise ConfigurationError(f"{path}: no such file")
    else:
        return path
    return _stamped(config, path) if timestamps else config


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
        config = json.loads(text) if path.suffix == ".json" else references.load("yaml:safe_load")(text)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except Exception as error:
        raise ConfigurationError(f"{path}: cannot be parsed: {error}") from error
    if not isinstance(config, dict):
        raise ConfigurationError(f"{path}: expected a mapping, as `logging.config.dictConfig` takes it")
    return config


def _stamped(config: dict[str, Any], path: str | None) -> dict[str, Any]:
    formatters = config.get("formatters")
    missing = [name for name in STAMPED if not isinstance(formatters, dict) or name not in formatters]
    if missing:
        raise ConfigurationError(
            f"{path}: --log-timestamps needs formatters named 'access' and 'default'; missing: {', '.join(missing)}"
        )
    assert isinstance(formatters, dict)
    stamped = {name: {"()": f"{__name__}.Timestamped", "inner": formatters[name]} for name in STAMPED}
    return {**config, "formatters": {**formatters, **stamped}}


class Timestamped(logging.Formatter):
    """Puts `[YYYY-MM-DDThh:mm:ss.mmmZ]` before what another formatter makes; `inner` is that one's configuration."""

    def __init__(self, inner: dict[str, Any]) -> None:
        super().__init__()
        configurator = logging.config.DictConfigurator({"version": 1})
        self._inner: logging.Formatter = configurator.configure_formatter(dict(inner))

    def format(self, record: logging.LogRecord) -> str:
        """The stamped line."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        return f"[{moment}.{int(record.msecs):03d}Z] {self._inner.format(record)}"
