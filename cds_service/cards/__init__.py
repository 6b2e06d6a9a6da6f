"""Findings as cards: ranked, at most three, in words, with their offers as draft orders of the client's FHIR version."""

from cds_service.cards.build import cards

__all__ = ["cards"]
