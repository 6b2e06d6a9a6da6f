"""The resources that tell of a medicine's use, in every FHIR version, as facts.

What was entered in error, only proposed, never handed over or not given becomes no fact. Dose, reasons and indications are read
of the medicines that some rule asks them of (class ``dosed``); of others only the days, and what they replace.
"""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from cds_service.fhir.amounts import allowed, handed_over, lasting
from cds_service.fhir.circumstances import for_discharge, instants, stay
from cds_service.fhir.concepts import codes, codings, concepts, condition, plain, texts, words
from cds_service.fhir.dates import end_of, start_of, when
from cds_service.fhir.dosages import lines
from cds_service.fhir.links import Named, instance_of, replaced
from cds_service.fhir.medications import NOTHING, NoNameError, drug, named
from cds_service.fhir.references import reference_to, relative
from cds_service.fhir.wire import (
    Concept,
    Dosage,
    Medication,
    MedicationAdministration,
    MedicationDispense,
    MedicationOrder,
    MedicationRequest,
    MedicationStatement,
    MedicationUse,
    many,
)
from cds_service.knowledge.valuesets import drugs_in_class, reasons_of
from cds_service.patient.facts import DoseLine, Outside, Use, UseKind, UseStatus
from cds_service.patient.when import When

ERROR = "entered-in-error"
_PROPOSED = frozenset({"plan", "proposal", "option"})
_STATUS = {
    "active": UseStatus.ACTIVE,
    "in-progress": UseStatus.ACTIVE,
    "on-hold": UseStatus.ON_HOLD,
    "stopped": UseStatus.STOPPED,
    "completed": UseStatus.COMPLETED,
    "ended": UseStatus.COMPLETED,
    "cancelled": UseStatus.CANCELLED,
    "not-taken": UseStatus.NOT_TAKEN,
    "draft": UseStatus.DRAFT,
    "intended": UseStatus.INTENDED,
}
_ADHERENCE = {  # R5 refines each with -as-directed and -not-as-directed
    "taking": UseStatus.ACTIVE,
    "not-taking": UseStatus.NOT_TAKEN,
    "on-hold": UseStatus.ON_HOLD,
    "stopped": UseStatus.STOPPED,
}
_NO_LONGER = frozenset({UseStatus.STOPPED, UseStatus.COMPLETED, UseStatus.NOT_TAKEN})
_GOING = (UseStatus.ACTIVE, UseStatus.DRAFT)
_HANDED_OVER = frozenset({"completed", "in-progress", "stopped", "unknown", ""})
_GIVEN = frozenset({"completed", "in-progress", "stopped", "unknown", ""})
_LONGEST_NOTE = 500
_BECAUSE = re.compile(r"\b(?:because(?: of)?|reason|due to|held for|stopped for)\b[: ]{0,3}(.{1,200})", re.IGNORECASE | re.DOTALL)


class Scene(Struct, frozen=True):
    """What reading a use needs besides the use: the site's zone, and what it may point to.

    ``medications`` are the Medication resources that came along, by id; ``named`` the references of orders by their identifiers;
    ``known`` the orders of the record by reference, whose medicine counts where an order of the request names none.
    """

    zone: ZoneInfo
    medications: Mapping[str, Medication] = {}
    named: Named = {}
    known: Mapping[str, Use] = {}


def statement(found: MedicationStatement, scene: Scene) -> Use | None:
    """A statement as a fact; None when it was entered in error."""
    if plain(found.status) == ERROR:
        return None
    start, end = start_of(found.effective_period, scene.zone), end_of(found.effective_period, scene.zone)
    moment = when(found.effective_date_time, scene.zone)
    status = _taken(found, end or moment)
    if moment is not None and start is None and end is None:
        start, end = moment, (moment if status in _NO_LONGER else None)
    asserted = when(found.date_asserted, scene.zone)
    return _use(found, UseKind.STATEMENT, status, many(found.dosage), scene, _Around(start, end, asserted))


def _taken(found: MedicationStatement, end: When | None) -> UseStatus:
    """The status of a statement: what the versions say beside it outweighs it."""
    status = plain(found.status)
    if found.was_not_taken or (found.taken == "n" and not _was_taken(found)):
        return UseStatus.NOT_TAKEN
    if status == "recorded":
        for code in codes(found.adherence.code if found.adherence else None):
            return _ADHERENCE.get(code.removesuffix("-not-as-directed").removesuffix("-as-directed"), UseStatus.UNKNOWN)
        return UseStatus.ACTIVE if end is None else UseStatus.COMPLETED
    known = _STATUS.get(status, UseStatus.UNKNOWN)
    return UseStatus.UNKNOWN if found.taken == "unk" and known is UseStatus.ACTIVE else known


def _was_taken(found: MedicationStatement) -> bool:
    """Whether STU3's "not taken" is said of now, and the statement tells from when to when it was: it was stopped."""
    period = found.effective_period
    return plain(found.status) == "stopped" and bool(period and period.start and period.end)


def order(found: MedicationRequest | MedicationOrder, scene: Scene, *, draft: bool = False) -> Use | None:
    """An order as a fact; None when it was entered in error, or (in the record, not among drafts) is a mere proposal."""
    if plain(found.status) == ERROR:
        return None
    if isinstance(found, MedicationOrder):
        written, changed, forbids = found.date_written, found.date_ended, False
        bounds = None
    else:
        if not draft and plain(found.intent) in _PROPOSED:
            return None
        written, changed, forbids = found.authored_on, found.status_changed, bool(found.do_not_perform)
        bounds = found.effective_dose_period
    status = _STATUS.get(plain(found.status), UseStatus.UNKNOWN)
    if draft and not found.status:
        status = UseStatus.DRAFT
    period = bounds or (found.dispense_request.validity_period if found.dispense_request else None)
    around = _Around(
        start_of(period, scene.zone),
        end_of(period, scene.zone),
        when(written, scene.zone),
        when(changed, scene.zone) if changed is not None and status not in _GOING else None,
        supply_days=allowed(found.dispense_request),
        replaces=replaced(found, scene.named),
        instance_of=instance_of(found, scene.named),
        forbids=forbids,
    )
    return _use(found, UseKind.ORDER, status, many(found.dosage_instruction), scene, around)


def dispense(found: MedicationDispense, scene: Scene) -> Use | None:
    """A supply as a fact; None when nothing was handed over."""
    handed = when(found.when_handed_over, scene.zone)
    status = plain(found.status)
    if status not in _HANDED_OVER or (handed is None and status != "completed"):
        return None
    known = _STATUS.get(status, UseStatus.UNKNOWN)
    counted = (found.quantity.unit or found.quantity.code) if found.quantity else None
    use = _use(
        found, UseKind.DISPENSE, known, many(found.dosage_instruction), scene, _Around(handed, None, handed, counted=counted)
    )
    if use.drug.ingredient is None:
        return use
    return replace(use, supply_days=lasting(found, use.drug, use.lines), supply_mg=handed_over(found, use.drug))


def administration(found: MedicationAdministration, scene: Scene) -> Use | None:
    """A giving as a fact; None when it was not given."""
    if plain(found.status) not in _GIVEN or found.was_not_given or found.not_given:
        return None
    moment = when(found.effective_date_time or found.effective_time_date_time or found.occurence_date_time, scene.zone)
    period = found.effective_period or found.effective_time_period or found.occurence_period
    start, end = start_of(period, scene.zone) or moment, end_of(period, scene.zone) or moment
    dosages = (found.dosage,) if found.dosage else ()
    known = _STATUS.get(plain(found.status), UseStatus.UNKNOWN)
    return _use(found, UseKind.ADMINISTRATION, known, dosages, scene, _Around(start, end, end or start))


class _Around(Struct, frozen=True):
    """What each kind of resource says in its own place: days of use, of writing, of a change of status, and the rest."""

    start: When | None
    end: When | None
    asserted: When | None
    changed: When | None = None
    supply_days: Fraction | None = None
    counted: str | None = None
    replaces: str | None = None
    instance_of: str | None = None
    forbids: bool = False


def _use(found: MedicationUse, kind: UseKind, status: UseStatus, dosages: Sequence[Dosage], scene: Scene, around: _Around) -> Use:
    name = named(found, scene.medications)
    reference = reference_to(type(found).__name__, found.id)
    again = scene.known.get(reference) if name is NOTHING else None
    if name is NOTHING and again is None and status is not UseStatus.DRAFT:
        raise NoNameError("a medicine without a name")
    medicine = drug(name, dosages, around.counted) if again is None else again.drug
    if medicine.ingredient is None:
        dates = around.start, around.end, around.asserted
        use = Use(kind, reference, status, medicine, (), *dates, forbids=around.forbids, replaces=around.replaces)
        return replace(use, at_discharge=True, encounter=stay(found)) if for_discharge(found) else use
    asked = medicine.ingredient in drugs_in_class("dosed")
    dosed = lines(dosages, around.start or around.asserted, scene.zone) if asked or kind is UseKind.ORDER else ()
    start, end = _span(dosed) if kind is UseKind.ORDER else (None, None)
    if not asked:
        return Use(
            kind,
            reference,
            status,
            medicine,
            (),
            start or around.start,
            end or around.end,
            around.asserted,
            around.changed,
            replaces=around.replaces,
            instance_of=around.instance_of,
            forbids=around.forbids,
            at_discharge=for_discharge(found),
            encounter=stay(found),
        )
    reasons, reason = _reasons(found, status)
    starts_at, ends_at = instants(found, dosages, scene.zone)
    return Use(
        kind=kind,
        reference=reference,
        status=status,
        drug=medicine,
        lines=dosed,
        start=start or around.start,
        end=end or around.end,
        asserted=around.asserted,
        stopped_on=around.changed,
        supply_days=around.supply_days,
        reasons=reasons,
        reason=reason,
        indications=_indications(found),
        indication_references=_pointers(found),
        replaces=around.replaces,
        instance_of=around.instance_of,
        forbids=around.forbids,
        starts_at=starts_at,
        ends_at=ends_at,
        at_discharge=for_discharge(found),
        encounter=stay(found),
    )


def _span(dosed: Sequence[DoseLine]) -> tuple[When | None, When | None]:
    """From the first line's start to the last line's end; open at the end where one line is."""
    if len(dosed) == 1:
        return dosed[0].start, dosed[0].end
    starts = [line.start for line in dosed if line.start is not None]
    ends = [line.end for line in dosed if line.end is not None]
    first = min(starts, key=lambda day: (day.earliest, day.latest), default=None)
    last = max(ends, key=lambda day: (day.latest, day.earliest)) if ends and len(ends) == len(dosed) else None
    return first, last


def _reasons(found: MedicationUse, status: UseStatus) -> tuple[frozenset[str], Outside | None]:
    """Why it was stopped or held: coded or worded, or (older versions have no place for it) given as reason in a note."""
    stated = list(many(found.status_reason))
    if isinstance(found, MedicationStatement):
        stated += many(found.reason_not_taken)
        stated += [found.adherence.reason] if found.adherence and found.adherence.reason else []
    elif isinstance(found, MedicationOrder) and found.reason_ended is not None:
        stated.append(found.reason_ended)
    if stated:
        groups = frozenset[str]().union(*map(_groups, stated))
        text = next((told for concept in stated if (told := words(concept))), None)
        return groups, None if text is None else Outside(text)
    if status in {UseStatus.ACTIVE, UseStatus.DRAFT} or found.note is None:
        return frozenset(), None
    for note in (found.note,) if isinstance(found.note, str) else many(found.note):
        given = _BECAUSE.search((note if isinstance(note, str) else note.text or "")[:_LONGEST_NOTE])
        if given is not None:
            return reasons_of(None, None, given[1]), Outside(given[1])
    return frozenset(), None


def _groups(concept: Concept) -> frozenset[str]:
    coded = [reasons_of(coding.system, coding.code, None) for coding in codings(concept)]
    known = frozenset[str]().union(*coded)
    return known or frozenset[str]().union(*(reasons_of(None, None, text) for text in texts(concept)))


def _indications(found: MedicationUse) -> frozenset[str]:
    """The condition groups of what the resource says the medicine is for."""
    named_there = [*many(found.reason_code), *concepts(many(found.reason))]
    if isinstance(found, MedicationOrder) and found.reason_codeable_concept is not None:
        named_there.append(found.reason_codeable_concept)
    elif isinstance(found, MedicationStatement) and found.reason_for_use_codeable_concept is not None:
        named_there.append(found.reason_for_use_codeable_concept)
    return frozenset[str]().union(*(condition(concept)[0] for concept in named_there)) if named_there else frozenset()


def _pointers(found: MedicationUse) -> tuple[str, ...]:
    """The conditions the resource points to."""
    pointers = list(many(found.reason_reference))
    if found.reason is not None:
        pointers += [entry.reference for entry in many(found.reason) if entry.reference is not None]
    if isinstance(found, MedicationStatement) and found.reason_for_use_reference is not None:
        pointers.append(found.reason_for_use_reference)
    return tuple([text for pointer in pointers if (text := relative(pointer))]) if pointers else ()
