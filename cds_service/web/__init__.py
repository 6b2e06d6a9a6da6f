"""The service over HTTP: routes, errors as OperationOutcome, CORS, health and pages. Only here are there status codes."""
