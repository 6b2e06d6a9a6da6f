"""Facts about one person and their arithmetic: no I/O, no clock, no FHIR, no clinical threshold."""
