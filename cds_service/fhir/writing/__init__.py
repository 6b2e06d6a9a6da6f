"""Draft orders as FHIR resources of the client's version: built from the orders of a finding, never from what a client sent.

One module a version, each with the same three functions. Every resource has the status ``draft`` and, where the version has
it, the intent ``proposal``, and is for the patient of the request. Numbers are exact Decimals. The dicts are plain JSON; their
parts may be shared between orders and are not changed after they are made.
"""

from datetime import date
from typing import Protocol

from cds_service.fhir.versions import DSTU2, R4, R5, STU3
from cds_service.fhir.writing import dstu2, r4, r5, stu3
from cds_service.fhir.writing.parts import Resource
from cds_service.knowledge.finding import DrugOrder, LabOrder, ReferralOrder


class Writer(Protocol):
    """What each version's module has."""

    def medication(self, order: DrugOrder, *, patient_id: str, asof: date, note: str) -> Resource:
        """The order of a medicine; ``note`` is the order's remark in words."""

    def laboratory(self, order: LabOrder, *, patient_id: str, asof: date) -> Resource:
        """The order of a laboratory test: once, or again every so many days."""

    def referral(self, order: ReferralOrder, *, patient_id: str, asof: date) -> Resource:
        """A referral, in words: the receiving site codes it."""


_WRITERS: dict[str, Writer] = {DSTU2: dstu2, STU3: stu3, R4: r4, "R4B": r4, R5: r5}

VERSIONS = tuple(_WRITERS)
"""The versions that are written."""


def writer(version: str) -> Writer:
    """The writer of a FHIR version.

    Raises:
        KeyError: the version is not among ``VERSIONS``.
    """
    return _WRITERS[version]
