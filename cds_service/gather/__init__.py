"""The answers to every question of the discovery body, as far as the client sent them along (prefetch)."""

from cds_service.gather.prefetch import KEYS, HistoryUnavailable, gather

__all__ = ["KEYS", "HistoryUnavailable", "gather"]
