"""The order that restarts tacrolimus at the person's own stable dose, in real products, and what is said of that dose."""

from datetime import date
from fractions import Fraction

from cds_service.knowledge import orders, valuesets
from cds_service.knowledge.finding import DrugOrder, LabOrder, Offer, ReferralOrder, Sentence, say
from cds_service.knowledge.judgements import safety
from cds_service.knowledge.judgements.exposure import EXTENDED_RELEASE_TABLET, Exposure
from cds_service.knowledge.judgements.safety import Concern, Subject
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.bounds import first_day
from cds_service.patient.doses import rounded_down, split_in_two

IMMEDIATE_RELEASE = "immediate-release"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ONCE_DAILY = frozenset({EXTENDED_RELEASE_TABLET, "prolonged-release"})


def drug(
    ingredient: str, intakes: tuple[Fraction, ...], days: int, remark: Sentence, formulation: str, brand: str = ""
) -> DrugOrder | None:
    """An order in a real product of which every intake is a whole number of pieces; None where there is none."""
    product = orders.product_for(ingredient, formulation, intakes, brand)
    return None if product is None else DrugOrder(ingredient, product.code, product.name, intakes, days, remark)


def _last_taken(exposure: Exposure) -> tuple[str, str]:
    """Formulation and brand of the product taken last: what the stop itself names, else the newest that any use names."""
    known = [use for use in exposure.uses if use.drug.formulation]
    newest = max(known, key=lambda use: (first_day(use) or date.min, use.reference), default=None)
    told = exposure.told_by if exposure.told_by and exposure.told_by.drug.formulation else newest
    if told is None:
        return IMMEDIATE_RELEASE, ""
    known_by = valuesets.drug_of_code(RXNORM, told.drug.code) if told.drug.code else None
    return told.drug.formulation or IMMEDIATE_RELEASE, orders.brand(known_by.display) if known_by else ""


def stable_dose(exposure: Exposure, p: Parameters) -> Fraction | None:
    """The maintenance dose before the stop in mg of immediate release a day, if it was held long enough to be called stable."""
    dose = exposure.taper.baseline if exposure.taper else None
    held = sum(item.days for item in exposure.line if item.dose == dose)
    return dose if dose is not None and held >= p.tacrolimus_stable_days else None


def _restart(exposure: Exposure, p: Parameters) -> DrugOrder | None:
    """The person's own stable dose in its own formulation and brand: twice a day, or once where the product is made for it."""
    dose = stable_dose(exposure, p)
    if dose is None or dose > p.tacrolimus_published_max_mg:
        return None
    formulation, brand = _last_taken(exposure)
    remark = say("remark-tacrolimus", claims=("C2", "C7"))
    if formulation in ONCE_DAILY:
        of_product = dose * (p.extended_release_tablet_factor if formulation == EXTENDED_RELEASE_TABLET else 1)
        return _once_daily(of_product, formulation, brand, p, remark)
    daily = rounded_down(dose, p.tacrolimus_rounding_mg)
    intakes = tuple(part for part in split_in_two(daily, p.tacrolimus_rounding_mg) if part)
    oral = formulation == IMMEDIATE_RELEASE
    return drug("tacrolimus", intakes, p.tacrolimus_days, remark, formulation, brand) if intakes and oral else None


def _once_daily(mg: Fraction, formulation: str, brand: str, p: Parameters, remark: Sentence) -> DrugOrder | None:
    """The largest amount up to the dose that pieces of one strength make up."""
    amounts = (rounded_down(mg, product.strength) for product in orders.products("tacrolimus", formulation))
    amount = max(amounts, default=Fraction())
    return drug("tacrolimus", (amount,), p.tacrolimus_days, remark, formulation, brand) if amount else None


def offers(
    exposure: Exposure,
    found: tuple[Concern, ...],
    p: Parameters,
    tests: tuple[LabOrder, ...],
    referrals: tuple[ReferralOrder, ...] = (),
) -> list[Offer]:
    """The restart as a whole alternative, with its level and the other tests; none where a check blocks it."""
    order = None if safety.blocked(found, Subject.TACROLIMUS) else _restart(exposure, p)
    if order is None:
        return []
    slow = _last_taken(exposure)[0] == EXTENDED_RELEASE_TABLET
    level = LabOrder("tacrolimus-trough", p.product_level_days if slow else p.tacrolimus_level_day)
    label = say("offer-tacrolimus", dose=sum(order.intakes, Fraction()))
    return [Offer("tacrolimus-restart", label, (order,), (level, *tests), referrals)]


def words(exposure: Exposure, kg: Fraction | None, p: Parameters) -> list[Sentence]:
    """The source's dose, with the arithmetic where a weight allows it, and what there is to say of the person's own."""
    said = [_of_source(kg, p)]
    dose = stable_dose(exposure, p)
    if dose is None:
        said.append(say("no-stable-dose"))
    elif dose <= p.tacrolimus_published_max_mg and _restart(exposure, p) is None:
        said.append(say("no-product-for-dose", dose=dose))
    elif dose > p.tacrolimus_range_high_mg:
        key = "dose-above-source" if dose <= p.tacrolimus_published_max_mg else "dose-above-published"
        values = {"dose": dose, "range": p.tacrolimus_range_high_mg, "published": p.tacrolimus_published_max_mg}
        said.append(say(key, **values))
    return said


def _of_source(kg: Fraction | None, p: Parameters) -> Sentence:
    span = {"low": p.tacrolimus_range_low_mg, "high": p.tacrolimus_range_high_mg, "per_kg": p.tacrolimus_mgkg}
    if kg is None:
        return say("source-tacrolimus", **span)
    reckoned = p.tacrolimus_mgkg * kg
    key = "source-tacrolimus-weighed" if reckoned <= p.tacrolimus_range_high_mg else "source-tacrolimus-over"
    return say(key, **span, reckoned=reckoned, weight=kg)
