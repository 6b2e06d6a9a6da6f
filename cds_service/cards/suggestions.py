"""Offers as suggestions: one complete alternative each, drug orders first, then laboratory orders, then referrals.

An alternative that keeps the client's own orders hands each of them back; where one cannot be, the card says it in words alone.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from uuid import uuid4

from msgspec import Raw

from cds_service.cards.sentences import render
from cds_service.fhir.keeping import Resource, kept
from cds_service.fhir.writing import writer
from cds_service.fhir.writing.dosing import dosage
from cds_service.knowledge import orders
from cds_service.knowledge.finding import DrugOrder, LabOrder, Offer, ReferralOrder, say
from cds_service.patient.facts import Record
from cds_service.patient.when import shift
from cds_service.protocol.card import Action, Suggestion


class Drafts:
    """The suggestions of one answer, in the client's FHIR version.

    Each distinct laboratory order and referral is built once and shared by them. ``own`` are the client's own orders in the
    request.
    """

    def __init__(self, record: Record, own: Sequence[Raw] = ()) -> None:
        self._patient_id = record.person.id
        self._asof = record.asof
        self._writer = writer(record.fhir_version)
        self._version = record.fhir_version
        self._own = own
        self._built: dict[LabOrder | ReferralOrder, Action] = {}

    def suggestions(self, offers: Sequence[Offer]) -> tuple[Suggestion, ...]:
        """One suggestion an offer, in order; none for an offer whose orders cannot be handed back."""
        own = kept(self._own, self._version) if any(offer.keeps for offer in offers) else {}
        return tuple(self._suggestion(offer, own) for offer in offers if own.keys() >= set(offer.keeps))

    def _suggestion(self, offer: Offer, own: Mapping[str, Resource]) -> Suggestion:
        actions = (
            *(_keep(own[reference]) for reference in offer.keeps),
            *(self._drug(order) for order in offer.drugs),
            *(self._shared(order) for order in offer.labs),
            *(self._shared(order) for order in offer.referrals),
        )
        return Suggestion(label=_label(offer), uuid=str(uuid4()), actions=actions)

    def _drug(self, order: DrugOrder) -> Action:
        note = render(order.remark, markdown=False)
        resource = self._writer.medication(order, patient_id=self._patient_id, asof=self._asof, note=note)
        words = say("order-drug", product=order.display, dosage=dosage(order))
        return Action(type="create", description=render(words, markdown=False), resource=resource)

    def _shared(self, order: LabOrder | ReferralOrder) -> Action:
        action = self._built.get(order)
        if action is None:
            action = self._laboratory(order) if isinstance(order, LabOrder) else self._referral(order)
            self._built[order] = action
        return action

    def _laboratory(self, order: LabOrder) -> Action:
        resource = self._writer.laboratory(order, patient_id=self._patient_id, asof=self._asof)
        return Action(type="create", description=_laboratory(order, self._asof), resource=resource)

    def _referral(self, order: ReferralOrder) -> Action:
        resource = self._writer.referral(order, patient_id=self._patient_id, asof=self._asof)
        key = "order-referral-urgent" if order.urgent else "order-referral"
        words = say(key, specialty=orders.specialty(order.specialty).label)
        return Action(type="create", description=render(words, markdown=False), resource=resource)


def _keep(resource: Resource) -> Action:
    return Action(type="update", description=render(say("order-kept"), markdown=False), resource=resource)


@lru_cache(maxsize=1024)
def _laboratory(order: LabOrder, asof: date) -> str:
    """A laboratory order in words, the same for everybody on that day."""
    test, first = orders.test(order.test).label, shift(asof, order.first_day)
    if order.every_days is None:
        words = say("order-laboratory-once", test=test, day=first)
    else:
        words = say("order-laboratory-repeated", test=test, day=first, days=order.every_days, times=order.times)
    return render(words, markdown=False)


def _label(offer: Offer) -> str:
    """The offer's own label (its drugs and doses) and the number of orders that come with it."""
    label = render(offer.label, markdown=False)
    counts = [
        render(say(one if count == 1 else many, count=count), markdown=False)
        for one, many, count in (
            ("label-laboratory-order", "label-laboratory-orders", len(offer.labs)),
            ("label-referral", "label-referrals", len(offer.referrals)),
        )
        if count
    ]
    if offer.drugs or not counts:
        return " + ".join([label, *counts])
    return f"{label} ({', '.join(counts)})"
