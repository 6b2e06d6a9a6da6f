"""One module a clinical question, named as its topic code; none knows another."""
