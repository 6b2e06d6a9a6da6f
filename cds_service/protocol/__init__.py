"""CDS Hooks as data: the request, what was gathered for it, the card, feedback, discovery, and their JSON Schemas."""
