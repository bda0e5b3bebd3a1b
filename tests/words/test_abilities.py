"""An ability is told by its methods."""

from __future__ import annotations

from abc import abstractmethod

from tiledkernel.ability import Ability


class Singing(Ability):
    @abstractmethod
    def sing(self) -> str: ...


class Bird:
    def sing(self) -> str:
        return "tweet"


class Singer(Singing):
    def sing(self) -> str:
        return "la"


class Stone:
    sing = None


def test_whatever_has_the_methods_has_the_ability() -> None:
    assert isinstance(Bird(), Singing)
    assert isinstance(Singer(), Singing)


def test_an_attribute_that_is_no_method_is_no_ability() -> None:
    assert not isinstance(Stone(), Singing)


def test_not_everything_is_a_class_that_has_an_ability() -> None:
    assert isinstance(Singer(), Singer)
    assert not isinstance(Bird(), Singer)
    assert not isinstance(Stone(), Singer)
