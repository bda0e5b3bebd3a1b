"""What the server logs, and how."""

from __future__ import annotations

import json
import logging.config
import re

import pytest

from tiledkernel.cli.logs import logging_config
from tiledkernel.errors import ConfigurationError

CUSTOM = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"default": {"format": "D %(message)s"}, "access": {"format": "A %(message)s"}, "own": {}},
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "default"}},
    "loggers": {"tiledkernel.test": {"handlers": ["out"], "propagate": False}},
}


@pytest.fixture
def written(tmp_path):
    """`written(config)`: the path of a JSON file."""

    def write(config) -> str:
        path = tmp_path / "log.json"
        path.write_text(json.dumps(config))
        return str(path)

    return write


def test_our_own_messages_are_written_too():
    assert logging_config(None, timestamps=False)["loggers"]["tiledkernel"]["level"] == "INFO"
    assert logging_config(None, timestamps=False, verbose=True)["loggers"]["tiledkernel"]["level"] == "DEBUG"


def test_a_file_is_used_as_it_is(written):
    assert logging_config(written(CUSTOM), timestamps=False) == CUSTOM


def test_a_yaml_file_is_read(tmp_path):
    (tmp_path / "log.yml").write_text("version: 1")
    assert logging_config(str(tmp_path / "log.yml"), timestamps=False) == {"version": 1}


def test_lines_begin_with_the_time_in_utc(written, capsys):
    logging.config.dictConfig(logging_config(written(CUSTOM), timestamps=True))
    logging.getLogger("tiledkernel.test").error("hello")
    assert re.fullmatch(r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] D hello\n", capsys.readouterr().err)


def test_the_moment_is_that_of_the_record():
    config = logging_config(None, timestamps=True)
    formatter = logging.config.DictConfigurator({"version": 1}).configure_formatter(config["formatters"]["default"])
    record = logging.LogRecord("x", logging.INFO, "", 0, "hello", (), None)
    record.created, record.msecs = 1_000_000_000.007, 7.0
    assert formatter.format(record).startswith("[2001-09-09T01:46:40.007Z] ")


def test_timestamps_need_both_formatters(written):
    with pytest.raises(ConfigurationError, match=r"--log-timestamps needs formatters .* missing: access"):
        logging_config(written({"version": 1, "formatters": {"default": {}}}), timestamps=True)


def test_timestamps_need_formatters_at_all(written):
    with pytest.raises(ConfigurationError, match="missing: access, default"):
        logging_config(written({"version": 1}), timestamps=True)


@pytest.mark.parametrize(
    ("name", "text"), [("log.json", "{"), ("log.yml", "a: ["), ("log.json", "[1]"), ("log.ini", None)]
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, name, text):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError, match=re.escape(name)):
        logging_config(str(tmp_path / name), timestamps=False)


def test_an_ini_file_is_left_to_the_library(tmp_path):
    (tmp_path / "log.ini").write_text("[loggers]\nkeys=root\n")
    assert logging_config(str(tmp_path / "log.ini"), timestamps=False) == str(tmp_path / "log.ini")


def test_an_ini_file_cannot_have_timestamps(tmp_path):
    with pytest.raises(ConfigurationError, match=r"needs a \.json or \.yml"):
        logging_config(str(tmp_path / "log.ini"), timestamps=True)
