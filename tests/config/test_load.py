"""Flags override the environment, that overrides files, and those override defaults."""

from __future__ import annotations

import logging
import sys

import pytest

from tiledkernel.config.document import InvalidConfiguration
from tiledkernel.config.environment import variables
from tiledkernel.config.files import load_files
from tiledkernel.config.load import Flag, load, settings_of
from tiledkernel.references import modules_beside
from tiledkernel.settings import Settings

PORT = ("uvicorn", "port")


def loaded(source=None, *flags, **environ):
    return load(source or {}, flags=flags, environ=environ).configuration


def message(source=None, *flags, **environ):
    with pytest.raises(InvalidConfiguration) as caught:
        loaded(source, *flags, **environ)
    return str(caught.value)


def test_the_defaults_are_those_of_settings():
    assert settings_of(loaded()) == Settings()


def test_a_source_is_not_changed():
    source = {"uvicorn": {"port": 1}}
    loaded(source, Flag(PORT, 2, "--port"))
    assert source == {"uvicorn": {"port": 1}}


def test_the_file_overrides_the_default():
    assert loaded({"uvicorn": {"port": 1}}).uvicorn.port == 1


def test_the_environment_overrides_the_file():
    assert loaded({"uvicorn": {"port": 1}}, TILED_UVICORN_PORT="2").uvicorn.port == 2


def test_a_flag_overrides_the_environment():
    assert loaded({"uvicorn": {"port": 1}}, Flag(PORT, 3, "--port"), TILED_UVICORN_PORT="2").uvicorn.port == 3


def test_what_is_overridden_may_be_wrong():
    assert loaded({"uvicorn": {"port": "x"}}, Flag(PORT, 3, "--port")).uvicorn.port == 3


def test_a_wrong_section_is_reported_although_a_flag_would_go_into_it():
    assert "uvicorn: 3: expected a mapping of keys" in message({"uvicorn": 3}, Flag(PORT, 3, "--port"))


def test_a_mistake_in_the_environment_names_the_variable():
    assert message(TILED_UVICORN_PORT="many").startswith(
        "environment variable TILED_UVICORN_PORT: uvicorn.port: 'many'"
    )


def test_a_mistake_in_a_flag_names_the_flag():
    key = ("authentication", "single_user_api_key")
    assert message(None, Flag(key, "a b", "--api-key")).startswith("--api-key: authentication.single_user_api_key: ")


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("true", True), ("YES", True), ("0", False), ("False", False)]
)
def test_truth_in_the_environment_is_spelt_in_many_ways(text, value):
    assert loaded(TILED_ALLOW_ANONYMOUS_ACCESS=text).authentication.allow_anonymous_access is value


def test_other_words_are_no_truth():
    assert "TILED_ALLOW_ANONYMOUS_ACCESS" in message(TILED_ALLOW_ANONYMOUS_ACCESS="maybe")


def test_the_key_in_the_environment_may_be_digits_only():
    assert loaded(TILED_SINGLE_USER_API_KEY="12345").authentication.single_user_api_key == "12345"


@pytest.mark.parametrize("key", ["", "a-b", "a b"])
def test_a_bad_key_in_the_environment_stops_with_advice(key):
    text = message(TILED_SINGLE_USER_API_KEY=key)
    assert "TILED_SINGLE_USER_API_KEY" in text
    assert "openssl rand -hex 32" in text


def test_origins_in_the_environment_are_a_json_list():
    assert loaded(TILED_ALLOW_ORIGINS='["https://a.example", "*"]').allow_origins == ["https://a.example", "*"]


def test_origins_that_are_no_json_list_are_an_error():
    assert "'https://a.example': expected `array`, got `str`" in message(TILED_ALLOW_ORIGINS="https://a.example")


def test_limits_and_switches_come_from_the_environment():
    configuration = loaded(
        TILED_RESPONSE_BYTESIZE_LIMIT="1000", TILED_EXACT_COUNT_LIMIT="7", TILED_EXPOSE_RAW_ASSETS="0"
    )
    settings = settings_of(configuration)
    assert (settings.response_bytesize_limit, settings.exact_count_limit, settings.expose_raw_assets) == (
        1000,
        7,
        False,
    )


def test_our_own_keys_have_variables_of_our_own():
    assert loaded(TILEDKERNEL_PLUGINS_DISABLE='["hdf5"]').plugins.disable == ["hdf5"]
    assert loaded(TILEDKERNEL_ROOT_URL="https://a.example/x").root_url == "https://a.example/x"


def test_short_names_win_over_long_ones():
    both = {"TILED_AUTHENTICATION_SINGLE_USER_API_KEY": "long", "TILED_SINGLE_USER_API_KEY": "short"}
    assert loaded(**both).authentication.single_user_api_key == "short"


def test_variables_of_uvicorn_are_honoured():
    uvicorn = loaded(WEB_CONCURRENCY="4", FORWARDED_ALLOW_IPS="10.0.0.1").uvicorn
    assert (uvicorn.workers, uvicorn.forwarded_allow_ips) == (4, "10.0.0.1")


@pytest.mark.parametrize("name", variables())
def test_every_variable_names_a_key_that_there_is(name):
    path = variables()[name]
    section = load({"catalog": {}, "access_control": {"access_policy": "tags"}}, environ={}).configuration
    for key in path:
        section = getattr(section, str(key))


def test_expanded_variables_become_what_is_expected(write):
    path = write("uvicorn: {port: '${PORT}'}\nexpose_raw_assets: $RAW\nauthentication: {single_user_api_key: $KEY}")
    configuration = load_files(path, environ={"PORT": "9000", "RAW": "no", "KEY": "007"}).configuration
    assert configuration.uvicorn.port == 9000
    assert configuration.expose_raw_assets is False
    assert configuration.authentication.single_user_api_key == "007"


def test_the_obsolete_cache_is_accepted_with_a_warning(caplog):
    caplog.set_level(logging.WARNING)
    loaded({"object_cache": {"available_bytes": 1}})
    assert "object_cache: this key is obsolete and ignored" in caplog.text


@pytest.mark.parametrize("path", ["x/y", "/x/y", "x/y/", "/x/y/"])
def test_the_root_path_is_brought_into_one_form(path):
    assert settings_of(loaded({"uvicorn": {"root_path": path}})).root_path == "/x/y"


def test_extensions_may_be_written_with_their_dot():
    assert settings_of(loaded({"file_extensions": {".lab": "a/b"}})).file_extensions == {"lab": "a/b"}


def test_modules_beside_a_configuration_are_found_first_and_only_while_loading(tmp_path):
    before = list(sys.path)
    with modules_beside(tmp_path):
        assert sys.path[0] == str(tmp_path)
    assert sys.path == before


def test_the_path_is_restored_after_a_failure(tmp_path):
    before = list(sys.path)
    with pytest.raises(RuntimeError), modules_beside(tmp_path):
        raise RuntimeError
    assert sys.path == before
