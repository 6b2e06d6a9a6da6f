"""Who may call: tokens and the keys that sign them, each token once; and which FHIR servers may be called for whom."""
