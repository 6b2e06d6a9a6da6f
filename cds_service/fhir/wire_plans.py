"""What tells of orders beside the orders themselves, as it comes over the wire: groups of orders, care plans, tasks.

As in ``wire``: exactly the elements that are read, of all versions at once, every one optional.
"""

from msgspec import Raw, field

from cds_service.fhir.wire import Concept, Reference, Resource, Wire


class ActionType(Concept):
    """A CodeableConcept, or with ``code`` the plain Coding of older versions."""

    code: str | None = None


class GroupAction(Wire):
    """One action of a group, with the actions inside it."""

    type: ActionType | None = None
    resource: Reference | None = None
    action: "list[GroupAction] | GroupAction | None" = None


class Group(Resource):
    """What the kinds of groups have in common."""

    status: str | None = None
    contained: list[Raw] | Raw | None = None
    action: list[GroupAction] | GroupAction | None = None


class RequestGroup(Group, tag="RequestGroup"):
    """A group of orders of STU3 and R4."""


class RequestOrchestration(Group, tag="RequestOrchestration"):
    """The same in R5."""


class ActivityDetail(Wire):
    """A planned activity without a resource of its own; ``prohibited`` is the older name of ``do_not_perform``."""

    status: str | None = None
    do_not_perform: bool | None = None
    prohibited: bool | None = None
    product_codeable_concept: Concept | None = None


class Activity(Wire):
    """One activity of a care plan; ``planned_activity_reference`` is R5's name."""

    reference: Reference | None = None
    planned_activity_reference: Reference | None = None
    detail: ActivityDetail | None = None


class CarePlan(Resource, tag="CarePlan"):
    """A care plan."""

    status: str | None = None
    contained: list[Raw] | Raw | None = None
    activity: list[Activity] | Activity | None = None


class Task(Resource, tag="Task"):
    """A task; whom it is about stands under ``for``."""

    patient: Reference | None = field(default=None, name="for")
    status: str | None = None
    code: Concept | None = None
    focus: Reference | None = None


AnyPlan = RequestGroup | RequestOrchestration | CarePlan | Task
