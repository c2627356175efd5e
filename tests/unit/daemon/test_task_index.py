"""Tasks in an order that is kept while their numbers change: the same as sorting all of them each time."""

import random

import pytest

from rocketd.daemon.task_index import FEW, Place, TaskIndex


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("moved", [1, 5, 100])
def test_any_page_is_cut_out_of_what_is_sorted(seed: int, moved: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a game
    names = [f"t{number}" for number in range(200)]
    order, numbers = TaskIndex(), dict.fromkeys(names, 0)
    for name in names:
        order.put(name, 0)
    for _ in range(30):
        for name in chance.choices(names, k=moved):
            numbers[name] = chance.randrange(-5, 5)
            order.put(name, numbers[name])
        wanted = set(chance.sample(names, chance.choice([0, 1, len(names) // FEW - 1, 50, 200])))
        places = sorted((numbers[name], name) for name in wanted)
        place: Place | None = chance.choice([None, (chance.randrange(-6, 6), chance.choice(names))])
        limit = chance.randrange(1, 40)
        found = [name for at, name in places if place is None or (at, name) > place]
        assert order.after(place, wanted, limit) == found[:limit]
        assert all(order.number(name) == number for name, number in numbers.items())


def test_after_a_reload_others_are_there() -> None:
    order = TaskIndex()
    order.put("old", 1)
    assert order.after(None, {"old"}, 10) == ["old"]
    order.clear()
    order.put("new", 1)
    assert order.after(None, {"new"}, 10) == ["new"]
