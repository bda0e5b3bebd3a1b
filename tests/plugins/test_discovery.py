"""Plugins are found by their metadata, loaded one by one, and a failure hurts only its plugin."""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace

import pytest

from tiledkernel import Reader, __api__, hookimpl
from tiledkernel.errors import PluginError
from tiledkernel.plugins import discover

READER = """
@hookimpl
def register_readers():
    return [Reader(media_type="application/x-works", open="fake_reader:open_file", suffixes=(".works",))]
"""


def reason(name: str) -> str:
    """Why a plugin is set aside, which must not keep others from working."""
    plugins = discover()
    assert plugins.by_name["kernel"].state == "active"
    assert plugins.by_name[name].state == "set aside"
    assert not any(plugins.by_name[name].contributions.values())
    return plugins.by_name[name].reason


def test_an_installed_distribution_is_found_with_its_version(works):
    plugin = discover().by_name["works"]
    assert (plugin.state, plugin.distribution, plugin.version, plugin.module) == ("active", "fake-works", "1.2", works)
    assert [reader.media_type for reader in plugin.contributions["register_readers"]] == ["application/x-works"]


def test_the_kernel_comes_first(works):
    assert next(iter(discover())).name == "kernel"


def test_only_the_kernel_is_loaded_without_third_party_plugins(works):
    assert list(discover(third_party=False).by_name) == ["kernel"]
    assert works not in sys.modules


def test_what_a_record_refers_to_is_not_imported(works):
    discover()
    assert works in sys.modules
    assert "fake_reader" not in sys.modules


def test_a_plugin_may_be_given_as_an_object():
    class Extra:
        @staticmethod
        @hookimpl
        def register_readers():
            return [Reader(media_type="application/x-extra", open="m:o")]

    plugins = discover(third_party=False, extra={"extra": Extra()})
    assert [plugin for _, plugin in plugins.records("register_readers")][-1] == "extra"


def test_a_broken_import_sets_the_plugin_aside(install, works):
    install("broken", "import a_library_that_is_not_there")
    assert "No module named 'a_library_that_is_not_there'" in reason("broken")
    assert discover().by_name["works"].state == "active"


def test_an_entry_point_to_no_module_sets_the_plugin_aside(install, tmp_path):
    module = install("gone", "")
    (tmp_path / "site" / f"{module}.py").unlink()
    assert f"No module named '{module}'" in reason("gone")


def test_a_syntax_error_sets_the_plugin_aside(install):
    install("garbled", "def (")
    assert "SyntaxError" in reason("garbled")


def test_a_plugin_that_exits_while_it_is_imported_is_set_aside(install):
    install("quitter", "raise SystemExit('no licence')")
    assert "no licence" in reason("quitter")


def test_a_raising_hook_sets_the_plugin_aside(install):
    install("raising", "@hookimpl\ndef register_readers():\n    raise RuntimeError('no beam today')")
    assert reason("raising") == "RuntimeError: no beam today"


def test_a_misspelt_hook_is_an_error_that_names_the_nearest(install):
    install("misspelt", "@hookimpl\ndef register_reader():\n    return []")
    assert reason("misspelt") == "there is no hook named 'register_reader'; did you mean 'register_readers'?"


def test_a_hook_with_parameters_that_no_one_gives_is_an_error(install):
    install("greedy", "@hookimpl\ndef register_readers(beamline):\n    return []")
    assert "beamline" in reason("greedy")


def test_a_record_of_the_wrong_type_is_an_error(install):
    install("wrong", "@hookimpl\ndef register_readers():\n    return ['reader']")
    assert reason("wrong") == "register_readers returned str 'reader': expected Reader records"


def test_a_reference_without_a_colon_is_an_error(install):
    install(
        "dotted", "@hookimpl\ndef register_readers():\n    return [Reader(media_type='a/b', open='module.function')]"
    )
    assert "open='module.function' is no reference: expected 'module:object'" in reason("dotted")


def test_an_answer_that_is_no_list_is_an_error(install):
    install("scalar", "@hookimpl\ndef register_readers():\n    return 3")
    assert "not iterable" in reason("scalar")


def test_a_hook_may_answer_nothing(install):
    install("silent", "@hookimpl\ndef register_readers():\n    return None")
    assert discover().by_name["silent"].state == "active"


def test_a_hook_may_be_a_generator(install):
    install("lazy", "@hookimpl\ndef register_readers():\n    yield Reader(media_type='a/b', open='m:o')")
    assert len(discover().by_name["lazy"].contributions["register_readers"]) == 1


def test_nothing_of_a_half_broken_plugin_is_kept(install):
    install("half", READER + "\n@hookimpl\ndef register_trees():\n    raise ValueError('half')")
    assert "half" in reason("half")
    assert "application/x-works" not in [reader.media_type for reader, _ in discover().records("register_readers")]


def test_a_plugin_for_this_kernel_api_works(install):
    install("current", f"kernel_api = {__api__}")
    assert discover().by_name["current"].state == "active"


def test_a_plugin_for_a_newer_kernel_api_says_what_to_upgrade(install):
    install("newer", f"kernel_api = {__api__ + 1}")
    assert reason("newer") == f"it was written for kernel API {__api__ + 1}, this is {__api__}: upgrade tiledkernel"


def test_two_plugins_of_one_name_are_reported_with_both_distributions(install):
    install("twin", "", distribution="fake-one")
    install("twin", "", distribution="fake-two")
    (second,) = discover().set_aside
    assert second.name in {"twin (fake-one)", "twin (fake-two)"}
    assert "fake-one" in second.reason
    assert "fake-two" in second.reason


def test_no_distribution_can_take_the_kernels_name(install):
    install("kernel", READER, distribution="fake-kernel")
    plugins = discover()
    assert plugins.by_name["kernel"].module == "tiledkernel.builtins"
    assert plugins.by_name["kernel (fake-kernel)"].state == "set aside"


def test_a_disabled_plugin_is_not_even_imported(works):
    plugin = discover(disable=["works"]).by_name["works"]
    assert plugin.state == "disabled"
    assert works not in sys.modules


def test_a_failure_is_logged_with_the_plugins_name(install, caplog):
    install("broken", "1 / 0")
    discover()
    (record,) = [record for record in caplog.records if record.name == "tiledkernel.plugins"]
    assert record.levelno == logging.WARNING
    assert "'broken'" in record.getMessage()
    assert record.exc_info is not None


def test_a_required_plugin_that_is_missing_stops_with_the_nearest_name(works):
    with pytest.raises(PluginError, match=r"no plugin named 'worsk' \(did you mean 'works'\?\); installed: .*works"):
        discover(require=["worsk"])


def test_a_required_plugin_that_failed_stops_with_the_reason(install):
    install("broken", "1 / 0")
    with pytest.raises(PluginError, match=r"'broken' is required, but it is set aside: .*ZeroDivisionError"):
        discover(require=["broken"])


def test_a_required_plugin_that_is_disabled_stops(works):
    with pytest.raises(PluginError, match="'works' is required, but it is disabled"):
        discover(require=["works"], disable=["works"])


SECURITY = "@hookimpl\ndef register_authenticators():\n    raise OSError('no directory service')"


def test_a_failing_plugin_that_decides_security_stops_the_start(install):
    install("login", SECURITY)
    with pytest.raises(
        PluginError, match="'login' decides who may log in, and it failed: OSError: no directory service"
    ):
        discover()


def test_a_failing_plugin_that_decides_security_can_be_disabled(install):
    install("login", SECURITY)
    assert discover(disable=["login"]).by_name["login"].state == "disabled"


def test_tools_see_what_would_stop_a_server(install):
    install("login", SECURITY)
    assert discover(strict=False).by_name["login"].state == "set aside"


def test_a_sentence_about_something_missing_names_the_plugins_that_failed(install):
    install("broken", "1 / 0")
    assert "plugin 'broken' is set aside" in discover().hint()


def test_a_plugin_object_without_hooks_is_harmless():
    plugins = discover(third_party=False, extra={"empty": SimpleNamespace()})
    assert plugins.by_name["empty"].state == "active"
