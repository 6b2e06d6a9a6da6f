"""Which medicine a resource is about, and whether it acts in the whole body.

The code decides, then route and form, then the words. A code that is in no table leaves it to the words; a known code is never
overruled by its display.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import chain

from msgspec import Struct, structs

from cds_service.fhir.concepts import codings, route
from cds_service.fhir.lenient import UnreadableError, decode
from cds_service.fhir.numbers import amount
from cds_service.fhir.references import id_of
from cds_service.fhir.wire import Amount, Concept, Dosage, Ingredient, Medication, MedicationUse, many
from cds_service.knowledge.valuesets import drug_of_code, drug_of_text, route_of_text
from cds_service.knowledge.valuesets.tables import REMEMBERED
from cds_service.patient.facts import DoseUnit, Drug, Outside
from cds_service.patient.units import dose_unit


class NoNameError(ValueError):
    """Nothing names the medicine, as where its product was not sent: it may be any."""


class Named(Struct, frozen=True):
    """What names the medicine in a resource: concepts in the order in which they count, its form, and a reference's display.

    ``strength`` is mg per piece or mL as the product's own ingredient gives it.
    """

    concepts: tuple[Concept, ...] = ()
    form: Concept | None = None
    display: str | None = None
    strength: Fraction | None = None


NOTHING = Named()
"""What names no medicine at all."""


def named(use: MedicationUse, medications: Mapping[str, Medication]) -> Named:
    """The medicine of a use: inline, contained, among the ``medications`` that came along, or a display at least."""
    either = use.medication
    concept = use.medication_codeable_concept or (either.concept if either else None)
    reference = use.medication_reference or (either.reference if either else None)
    inline = () if concept is None else (concept,)
    if reference is None:
        return Named(inline) if inline else NOTHING
    product = _contained(use, reference.reference) or medications.get(id_of(reference) or "")
    if product is None:
        return Named(inline, None, reference.display) if inline or reference.display else NOTHING
    form = product.form or product.dose_form or (product.product.form if product.product else None)
    within, strength = _of_product(product)
    return Named((*inline, *within), form, reference.display, strength)


def _contained(use: MedicationUse, reference: str | None) -> Medication | None:
    if not reference or not reference.startswith("#"):
        return None
    for raw in many(use.contained):
        try:
            inner, _ = decode(raw)
        except UnreadableError:
            continue
        if isinstance(inner, Medication) and (inner.id or "").removeprefix("#") == reference[1:]:
            return inner
    return None


def _of_product(product: Medication) -> tuple[tuple[Concept, ...], Fraction | None]:
    """The code of a product and of what is in it (besides what does not act); the strength where that is one ingredient only.

    Of a mixture whose own code does not tell, the first ingredient that the drug table knows counts.
    """
    acting = [inner for inner in many(product.ingredient) if inner.is_active is not False]
    only = acting[0] if len(acting) == 1 else Ingredient()
    items = (inner.item_codeable_concept or (inner.item.concept if inner.item else None) for inner in acting)
    return tuple(concept for concept in (product.code, *items) if concept is not None), _strength(only)


def _strength(ingredient: Ingredient) -> Fraction | None:
    """Mg per piece or mL."""
    ratio = ingredient.strength or ingredient.strength_ratio or ingredient.amount
    single = ingredient.strength_quantity or (ratio.numerator if ratio else None)
    mass = _counted(single)
    per = _counted(ratio.denominator) if ratio and ratio.denominator else (Fraction(1), DoseUnit.PIECE)
    if mass is None or per is None or mass[1] is not DoseUnit.MG or per[1] not in {DoseUnit.PIECE, DoseUnit.ML} or not per[0]:
        return None
    return mass[0] / per[0] or None


def _counted(quantity: Amount | None) -> tuple[Fraction, DoseUnit] | None:
    """A number and what it counts; one piece where a denominator names no unit."""
    value = amount(quantity.value) if quantity else None
    unit = dose_unit((quantity.code or quantity.unit or "1") if quantity else "")
    return None if value is None or unit is None else (value * unit[1], unit[0])


def drug(name: Named, dosages: Sequence[Dosage], counted: str | None = None) -> Drug:
    """The medicine as a fact; ``counted`` is what a supply of it is counted in (``capsule``)."""
    known = _recognise(tuple([_said(concept) for concept in name.concepts]), name.display or "")
    if known.drug.strength is None and name.strength is not None and known.drug.ingredient is not None:
        known = structs.replace(known, drug=structs.replace(known.drug, strength=name.strength))
    if known.drug.ingredient is None or known.drug.systemic is not None:
        return known.drug
    by_route = _by_route(name.form, dosages, counted)
    systemic = known.worded if by_route is None else by_route
    if known.worded is False:  # an ointment by its name stays one; where the route says otherwise nobody can tell
        systemic = None if by_route else False
    certain = known.drug.certain and by_route is not None
    return structs.replace(known.drug, systemic=systemic, certain=certain)


class _Recognised(Struct, frozen=True):
    """A medicine as far as its codes tell; ``worded`` is what its words say of acting in the whole body."""

    drug: Drug
    worded: bool | None = None


_Coding = tuple[str | None, str | None, str | None]
_Said = tuple[str | None, tuple[_Coding, ...]]


def _said(concept: Concept) -> _Said:
    """What a concept says: its words and each coding's system, code and display; the key under which it is remembered."""
    return concept.text, tuple([(coding.system, coding.code, coding.display) for coding in codings(concept)])


@lru_cache(maxsize=REMEMBERED)
def _recognise(said: tuple[_Said, ...], display: str) -> _Recognised:
    codes = [(system, code) for _, found in said for system, code, _ in found]
    words = [word for text, found in said for word in (text, *(shown for _, _, shown in found)) if word]
    found = [known for system, code in codes if system and code and (known := drug_of_code(system, code))]
    told = [known for text in (*words, display) if (known := drug_of_text(text))]
    text = next(iter(words), display)
    if not found:
        if not told:
            return _Recognised(Drug(Outside(text)))
        first = told[0]
        return _Recognised(
            Drug(Outside(text), first.ingredient, None, first.formulation, first.strength, certain=False), first.systemic
        )
    ingredient = found[0].ingredient
    same = sorted((known for known in found if known.ingredient == ingredient), key=lambda known: known.code is None)
    worded = next((known for known in told if known.ingredient == ingredient), None)
    every = same if worded is None else [*same, worded]
    medicine = Drug(
        text=Outside(text or same[0].display),
        ingredient=ingredient,
        systemic=_agreed({known.systemic for known in same}),
        formulation=next((known.formulation for known in every if known.formulation), None),
        strength=next((known.strength for known in every if known.strength), None),
        code=same[0].code,
    )
    return _Recognised(medicine, worded.systemic if worded else None)


def _by_route(form: Concept | None, dosages: Sequence[Dosage], counted: str | None) -> bool | None:
    """What routes, forms, units (``application``) and instructions tell; None where they tell nothing or contradict."""
    coded = {found.systemic for concept in (form, *(line.route for line in dosages)) if (found := route(concept))}
    worded = _instructions(dosages) if counted is None else chain((counted,), _instructions(dosages))
    return _agreed(coded or {found.systemic for text in worded if (found := route_of_text(text))})


def _instructions(dosages: Sequence[Dosage]) -> Iterator[str]:
    for line in dosages:
        if line.text:
            yield line.text
        for inner in many(line.dose_and_rate):
            if inner.dose_quantity and inner.dose_quantity.unit:
                yield inner.dose_quantity.unit


def _agreed(told: Iterable[bool | None]) -> bool | None:
    known = set(told) - {None}
    return known.pop() if len(known) == 1 else None
