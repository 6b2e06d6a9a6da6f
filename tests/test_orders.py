"""The table of what can be ordered: real products and codes, whole pieces, no dose."""

import csv
import tomllib
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import pytest

from cds_service.knowledge import orders

TERMINOLOGY = Path(__file__).parents[2] / "shared" / "terminology"
TEXT = files("cds_service.knowledge").joinpath("orders.toml").read_text(encoding="utf-8")
SMALL = """
[sources]
s = "a source"
[[product]]
code = "1"
name = "prednisone 20 MG Oral Tablet"
ingredient = "prednisone"
formulation = "immediate-release"
form = "tablet"
strength = "20"
origin = "V"
source = "s"
[test.alt]
code = "1742-6"
label = "ALT"
origin = "V"
source = "s"
[panel.liver]
tests = ["alt"]
[specialty.hepatology]
label = "hepatology"
origin = "D"
source = "s"
"""


def loinc_check_digit(code: str) -> bool:
    number, digit = code.split("-")
    doubled = "".join(str(int(c) * 2) if i % 2 == 0 else c for i, c in enumerate(reversed(number)))
    return (10 - sum(map(int, doubled)) % 10) % 10 == int(digit)


def read_rows(name: str, key: str) -> dict[str, dict[str, str]]:
    if not TERMINOLOGY.exists():
        pytest.skip("the terminology lists are not beside this checkout")
    with (TERMINOLOGY / name).open(encoding="utf-8", newline="") as lines:
        return {row[key]: row for row in csv.DictReader(lines)}


def test_every_test_has_a_loinc_code_with_a_right_check_digit() -> None:
    assert [test.code for test in orders.orders().test.values() if not loinc_check_digit(test.code)] == []


def test_every_product_name_is_the_one_rxnorm_gives_its_code() -> None:
    rows = read_rows("rxnorm.csv", "rxcui")

    for product in orders.orders().product:
        row = rows[product.code]
        assert (product.name, product.ingredient) == (row["name"], row["ingredient"])
        assert f" {row['strength']} ".startswith(f" {float(product.strength):g} MG")
        assert row["route_class"] == "systemic_oral"
        assert row["confidence"] == "read"


def test_every_test_name_is_the_one_loinc_gives_its_code() -> None:
    rows = read_rows("loinc.csv", "loinc")

    elsewhere = {"24356-8", "19870-5"}  # read in other published material
    tests = [test for test in orders.orders().test.values() if test.code not in elsewhere]
    assert {test.code: test.name or "" for test in tests} == {test.code: rows[test.code]["display"] for test in tests}


def test_every_strength_stands_in_the_product_s_name() -> None:
    for product in orders.orders().product:
        assert f"{float(product.strength):g} MG" in product.name
        assert product.form in product.name.lower()


def test_the_table_holds_no_amount_but_strengths() -> None:
    table = tomllib.loads(TEXT)

    amounts = [value for section in table.values() for value in _numbers(section)]

    assert amounts == []


def _numbers(value: object) -> list[object]:
    if isinstance(value, dict):
        return [n for item in value.values() for n in _numbers(item)]
    if isinstance(value, list):
        return [n for item in value for n in _numbers(item)]
    return [value] if isinstance(value, int | float) else []


def test_every_entry_says_where_it_comes_from() -> None:
    table = orders.orders()

    for entry in (*table.product, *table.test.values(), *table.specialty.values()):
        assert entry.origin in {"V", "D"}
        assert table.sources[entry.source]


def test_no_source_is_listed_that_nothing_uses() -> None:
    table = orders.orders()

    used = {entry.source for entry in (*table.product, *table.test.values(), *table.specialty.values())}

    assert used == set(table.sources)


@pytest.mark.parametrize(
    ("ingredient", "formulation", "mg", "strength", "count"),
    [
        ("prednisone", "immediate-release", "60", "20", 3),
        ("prednisone", "immediate-release", "30", "10", 3),
        ("prednisone", "immediate-release", "50", "50", 1),
        ("prednisone", "immediate-release", "15", "5", 3),
        ("azathioprine", "immediate-release", "150", "50", 3),
        ("azathioprine", "immediate-release", "75", "25", 3),
        ("tacrolimus", "immediate-release", "2", "1", 2),
        ("tacrolimus", "immediate-release", "1.5", "0.5", 3),
        ("tacrolimus", "immediate-release", "5", "5", 1),
        ("tacrolimus", "prolonged-release", "4", "1", 4),
        ("tacrolimus", "extended-release-tablet", "2.25", "0.75", 3),
    ],
)
def test_a_dose_is_made_up_of_the_strongest_product_that_divides_it(
    ingredient: str, formulation: str, mg: str, strength: str, count: int
) -> None:
    found = orders.fit(Fraction(mg), orders.products(ingredient, formulation))

    assert found is not None
    assert (found[0].strength, found[1]) == (Fraction(strength), count)


@pytest.mark.parametrize("mg", ["0.25", "3.3", "0", "-20"])
def test_a_dose_that_no_product_makes_up_is_not_rounded(mg: str) -> None:
    assert orders.fit(Fraction(mg), orders.products("tacrolimus", "immediate-release")) is None


def test_two_doses_of_a_day_come_from_one_product() -> None:
    capsules = orders.products("tacrolimus", "immediate-release")

    morning_and_evening = orders.dividing((Fraction(2), Fraction("1.5")), capsules)

    assert morning_and_evening is not None
    assert morning_and_evening.strength == Fraction("0.5")


def test_products_are_listed_from_weak_to_strong() -> None:
    assert [p.strength for p in orders.products("prednisone", "immediate-release")] == [5, 10, 20, 50]


def test_a_formulation_nobody_makes_has_no_products() -> None:
    assert orders.products("prednisone", "extended-release-tablet") == ()


def test_a_product_is_found_by_its_code_and_a_foreign_code_is_not() -> None:
    known = orders.product("198377")

    assert known is not None
    assert known.strength == 1
    assert orders.product("42316") is None


def test_the_liver_panel_is_fourteen_tests_with_the_blood_count_as_its_counts() -> None:
    tests = [orders.test(name).code for name in orders.panel("autoimmune-hepatitis")]

    assert tests[:2] == ["1742-6", "1920-8"]
    assert {"6690-2", "751-8", "777-3"} <= set(tests)
    assert len(set(tests)) == 14


def test_a_specialty_is_named_in_words() -> None:
    assert orders.specialty("paediatric-hepatology").label == "paediatric hepatology"


@pytest.mark.parametrize("look_up", [orders.test, orders.panel, orders.specialty])
def test_an_unknown_id_is_an_error(look_up: object) -> None:
    with pytest.raises(KeyError, match="no-such-id"):
        look_up("no-such-id")  # type: ignore[operator]


def test_a_sound_table_is_read() -> None:
    assert orders.read(SMALL).product[0].strength == 20


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ('strength = "20"', "strength = 20", "a strength is written as text"),
        ('strength = "20"', 'strength = "much"', "much"),
        ('strength = "20"', 'strength = "0"', "product 1 has no strength"),
        ('source = "s"\n[test', 'source = "t"\n[test', "no source t"),
        ('tests = ["alt"]', 'tests = ["ast"]', "panel liver: no test ast"),
        ('label = "ALT"', 'label = "ALT"\ndose = "60"', "dose"),
        ('label = "ALT"\n', "", "label"),
        ("[sources]", "[sources", "line"),
        ("[panel", '[test.ast]\ncode = "1742-6"\nlabel = "AST"\norigin = "V"\nsource = "s"\n[panel', "code 1742-6 twice"),
    ],
)
def test_a_faulty_table_is_refused_with_the_place(right: str, wrong: str, message: str) -> None:
    assert right in SMALL

    with pytest.raises(orders.OrdersError, match=message):
        orders.read(SMALL.replace(right, wrong, 1))
