"""The answers to every question of the discovery body: as the client sent them, and from its FHIR server what is missing."""

from cds_service.gather.access import Access, Fetcher, Visit
from cds_service.gather.gathering import HistoryUnavailable, gather
from cds_service.gather.prefetch import KEYS

__all__ = ["KEYS", "Access", "Fetcher", "HistoryUnavailable", "Visit", "gather"]
