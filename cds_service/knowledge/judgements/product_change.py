"""Does this request change the tacrolimus product, and does the dose correspond? Or have two products been listed side by side?

A product is told apart by its release: immediate-release capsules of any brand, prolonged-release capsules, extended-release
tablets. Another dose of the same kind is a change of dose. Doses are compared on the immediate-release scale.
"""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from msgspec import Struct

from cds_service.knowledge.judgements import weight
from cds_service.knowledge.judgements.exposure import EXTENDED_RELEASE_TABLET, Exposure, daily_line, to_the_last_dose
from cds_service.knowledge.judgements.ordered_stop import ENDING
from cds_service.knowledge.judgements.treatment import ordered, runs
from cds_service.knowledge.judgements.usage import TACROLIMUS, WRITTEN
from cds_service.knowledge.parameters import Parameters
from cds_service.patient.bounds import first_day
from cds_service.patient.completions import completions
from cds_service.patient.doses import daily_of_line, total
from cds_service.patient.facts import Record, Use, UseStatus
from cds_service.patient.timeline import Segment
from cds_service.patient.when import days_between

IMMEDIATE_RELEASE = "immediate-release"
PROLONGED_RELEASE = "prolonged-release"
PRODUCTS = (IMMEDIATE_RELEASE, PROLONGED_RELEASE, EXTENDED_RELEASE_TABLET)


class ProductChange(Struct, frozen=True):
    """From one product to another; doses in mg a day on the immediate-release scale, None where they are not known.

    ``listed`` tells that the earlier product stays on the list: this request does not end it.
    """

    before: str
    after: str
    dose_before: Fraction | None
    dose_after: Fraction | None
    listed: bool
    uses: tuple[Use, ...]

    @property
    def ratio(self) -> Fraction | None:
        """The new dose as a multiple of the old one; None where either is not known."""
        if self.dose_before is None or self.dose_after is None:
            return None
        return self.dose_after / self.dose_before


class SideBySide(Struct, frozen=True):
    """Two products that have both been listed as taken for so many days."""

    products: tuple[str, str]
    days: int
    uses: tuple[Use, ...]


class _Product(Struct, frozen=True):
    """One product in the record: its uses, its daily dose up to the last day with one, and whether it is still listed.

    ``ended`` tells that this request ends it. ``lines`` has a reading for each way to complete partial dates.
    """

    name: str
    uses: tuple[Use, ...]
    lines: tuple[tuple[Segment, ...], ...]
    running: bool
    ended: bool

    @property
    def dose(self) -> Fraction | None:
        """The last daily dose; None where it is not known, or not the same in every reading."""
        doses = {line[-1].dose for line in self.lines}
        return doses.pop() if len(doses) == 1 else None

    @property
    def ends(self) -> list[date]:
        """The last day with a dose, in each reading."""
        return [line[-1].end for line in self.lines]

    @property
    def since(self) -> date:
        """The first day of the use that goes on, or went on last, at the latest."""
        return max(map(_since, self.lines))

    def newest(self) -> date:
        """The newest day on which anything tells of its use."""
        return max((when.latest for use in self.uses for when in (use.asserted, use.start) if when), default=date.min)


def _since(line: Sequence[Segment]) -> date:
    start = line[-1].start
    for item in reversed(line):
        if item.dose == 0:
            break
        start = item.start
    return start


def _drafts(record: Record) -> tuple[Use, ...]:
    """The orders of this request that go on with systemic tacrolimus."""
    found = (use for use in ordered(record) if use.drug.ingredient == TACROLIMUS and use.drug.systemic)
    return tuple(use for use in found if use.end is None or use.end.latest > record.asof)


def _products(record: Record, exposure: Exposure, drafts: Sequence[Use], parameters: Parameters) -> list[_Product]:
    """The products in the record, the one begun last first."""
    found = []
    for name in PRODUCTS:
        uses = tuple(use for use in exposure.uses if use.drug.formulation == name)
        written = [use for use in uses if use.kind in WRITTEN]
        exact = completions(written, record.asof)
        lines = tuple(to_the_last_dose(daily_line(record, reading, parameters)) for reading in exact)
        if all(lines):
            running = any(runs(use, record.asof) for use in written)
            found.append(_Product(name, uses, lines, running, _ends(record, name, written, drafts)))
    return sorted(found, key=lambda product: (max(product.ends), product.since), reverse=True)


def _ends(record: Record, name: str, written: Sequence[Use], drafts: Sequence[Use]) -> bool:
    """Whether this request ends a product: an order of it, or one that another product replaces."""
    mine = {use.reference for use in written}
    stopped = ENDING | {UseStatus.ON_HOLD}
    return any(draft.replaces in mine for draft in drafts if draft.drug.formulation != name) or any(
        use.drug.ingredient == TACROLIMUS
        and (use.drug.formulation == name or use.reference in mine)
        and (use.forbids or use.status in stopped)
        for use in record.drafts
    )


def change(record: Record, exposure: Exposure, parameters: Parameters) -> ProductChange | None:
    """The change of product that the drafts bring or have just brought; None where they bring none."""
    drafts = _drafts(record)
    products = _products(record, exposure, drafts, parameters) if drafts else []
    for name in PRODUCTS:
        new = tuple(use for use in drafts if use.drug.formulation == name)
        known = next((product for product in products if product.name == name and product.running), None)
        begins = known.since if known else min((first_day(use) or record.asof for use in new), default=record.asof)
        if not new or days_between(begins, record.asof) > parameters.product_overlap_days:
            continue
        for old in products:
            if old.name != name and _gave_way(old, begins, record.asof, parameters):
                dose = _dose(new, record, parameters)
                uses = (*new, *(use for use in old.uses if use.kind in WRITTEN))
                return ProductChange(old.name, name, old.dose, dose, old.running and not old.ended, uses)
    return None


def _gave_way(old: _Product, begins: date, today: date, parameters: Parameters) -> bool:
    """Whether a product is still listed, or surely ended within the window around the first day of the new one."""
    if old.running and not old.ended:
        return True
    ends = [today] if old.ended else old.ends
    since = [days_between(end, begins) for end in ends]
    return -parameters.product_switch_before_days <= min(since) and max(since) <= parameters.product_switch_after_days


def _dose(drafts: Sequence[Use], record: Record, parameters: Parameters) -> Fraction | None:
    """What the drafts of one product order together for their first day, on the immediate-release scale."""
    kg = weight.on(record, record.asof, parameters)
    doses = []
    for draft in drafts:
        first = min((line.start.earliest for line in draft.lines if line.start), default=None)
        lines = [line for line in draft.lines if line.start is None or line.start.earliest == first]
        doses += [daily_of_line(line, draft.drug, kg) for line in lines] or [None]
    told = total(doses)
    if told is None or told.exact is None or not parameters.dose_min_mg <= told.exact <= parameters.dose_max_mg:
        return None
    extended = drafts[0].drug.formulation == EXTENDED_RELEASE_TABLET
    return told.exact / parameters.extended_release_tablet_factor if extended else told.exact


def side_by_side(record: Record, exposure: Exposure, parameters: Parameters) -> SideBySide | None:
    """Two products that have run together for too long, where a draft goes on with tacrolimus; None where there are none.

    A product that nothing has confirmed for long is an entry that nobody closed.
    """
    drafts = _drafts(record)
    listed = [
        product
        for product in (_products(record, exposure, drafts, parameters) if drafts else ())
        if product.running and not product.ended and days_between(product.newest(), record.asof) <= parameters.stale_days
    ]
    if len(listed) < 2:
        return None
    one, other = listed[:2]
    days = days_between(max(one.since, other.since), record.asof)
    if days <= parameters.product_overlap_days:
        return None
    return SideBySide((other.name, one.name), days, tuple(use for product in (one, other) for use in product.uses))
