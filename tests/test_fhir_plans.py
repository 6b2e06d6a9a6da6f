"""Orders that a group, a care plan, a task or a discontinuation stops or holds."""

from typing import Any

import pytest
from msgspec import Raw

from cds_service.fhir.reading import read
from cds_service.patient.facts import DISCONTINUED, Loss, Lost, Record, Use, UseStatus
from cds_service.protocol.gathered import Gathered
from cds_service.protocol.request import HookContext, HookRequest
from tests.reading import TODAY, UTC, Json, answers, order, raw, record, tacrolimus

ACTIVE, HELD, STOPPED = UseStatus.ACTIVE, UseStatus.ON_HOLD, UseStatus.STOPPED
POINTER = {"reference": "MedicationRequest/m1"}
REMOVE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/action-type", "code": "remove"}]}


def group(*actions: Json, kind: str = "RequestGroup", **more: Any) -> Json:
    return {"resourceType": kind, "id": "g1", "status": "active", "intent": "order", "action": list(actions), **more}


def drafts(*drafted: Json, known: tuple[Json, ...] = (order(),)) -> dict[str, UseStatus]:
    return {use.reference: use.status for use in record(*known, drafts=drafted).drafts}


class TestGroups:
    @pytest.mark.parametrize("kind", ["RequestGroup", "RequestOrchestration"])
    @pytest.mark.parametrize("meaning", [REMOVE, {"system": "http://hl7.org/fhir/action-type", "code": "remove"}])
    def test_an_action_that_removes_an_order_stops_it(self, kind: str, meaning: Json) -> None:
        assert drafts(group({"type": meaning, "resource": POINTER}, kind=kind)) == {"MedicationRequest/m1": STOPPED}

    @pytest.mark.parametrize("code", ["create", "update", "fire-event"])
    def test_another_action_stops_nothing(self, code: str) -> None:
        assert drafts(group({"type": {"coding": [{"code": code}]}, "resource": POINTER})) == {}
        assert drafts(group({"resource": POINTER})) == {}

    def test_actions_may_lie_inside_actions(self) -> None:
        inner = {"type": REMOVE, "resource": POINTER}
        assert drafts(group({"title": "taper", "action": [{"action": inner}]})) == {"MedicationRequest/m1": STOPPED}

    @pytest.mark.parametrize(
        ("status", "meant"),
        [
            ("revoked", STOPPED),
            ("cancelled", STOPPED),
            ("suspended", HELD),
            ("on-hold", HELD),
            ("draft", None),
            ("completed", None),
        ],
    )
    def test_the_status_of_a_group_is_that_of_its_orders(self, status: str, meant: UseStatus | None) -> None:
        found = drafts(group({"resource": POINTER}, status=status))
        assert found == ({} if meant is None else {"MedicationRequest/m1": meant})

    def test_a_draft_of_a_group_that_is_revoked_was_never_in_force(self) -> None:
        found = drafts(order(status="draft"), group({"resource": POINTER}, status="revoked"), known=())
        assert found == {"MedicationRequest/m1": UseStatus.CANCELLED}

    def test_a_group_in_error_says_nothing(self) -> None:
        assert drafts(group({"type": REMOVE, "resource": POINTER}, status="entered-in-error")) == {}

    def test_an_order_that_nobody_knows_is_not_guessed(self) -> None:
        assert drafts(group({"type": REMOVE, "resource": {"reference": "MedicationRequest/other"}})) == {}
        assert drafts(group({"type": REMOVE})) == {}

    def test_a_group_of_somebody_else_is_not_read(self) -> None:
        assert drafts(group({"type": REMOVE, "resource": POINTER}, subject={"reference": "Patient/other"})) == {}

    def test_the_order_may_be_a_draft_of_the_same_request_and_counts_once(self) -> None:
        found = drafts(order(), group({"type": REMOVE, "resource": POINTER}), known=())
        assert found == {"MedicationRequest/m1": STOPPED}

    def test_orders_inside_a_group_are_orders_of_the_request(self) -> None:
        inside = order(id="new", status="draft"), {"resourceType": "Patient"}, 7
        assert drafts(group(contained=list(inside))) == {"MedicationRequest/new": UseStatus.DRAFT}

    def test_an_order_inside_a_group_may_be_removed(self) -> None:
        removed = {"type": REMOVE, "resource": {"reference": "#m1"}}
        assert drafts(group(removed, contained=[order()])) == {"MedicationRequest/m1": STOPPED}


class TestPlans:
    @staticmethod
    def plan(*activities: Json, **more: Any) -> Json:
        return {"resourceType": "CarePlan", "id": "p1", "status": "active", "activity": list(activities), **more}

    @pytest.mark.parametrize("name", ["reference", "plannedActivityReference"])
    def test_a_revoked_plan_stops_its_orders(self, name: str) -> None:
        assert drafts(self.plan({name: POINTER}, status="revoked")) == {"MedicationRequest/m1": STOPPED}
        assert drafts(self.plan({name: POINTER})) == {}

    @pytest.mark.parametrize(
        ("detail", "status", "forbids"),
        [
            ({"status": "stopped"}, STOPPED, False),
            ({"status": "cancelled"}, STOPPED, False),
            ({"status": "on-hold"}, HELD, False),
            ({"status": "scheduled", "doNotPerform": True}, ACTIVE, True),
            ({"status": "scheduled", "prohibited": True}, ACTIVE, True),
        ],
    )
    def test_an_activity_may_name_the_product_itself(self, detail: Json, status: UseStatus, forbids: bool) -> None:
        activity = {"detail": {**detail, "productCodeableConcept": tacrolimus()}}
        (use,) = record(drafts=[self.plan(activity)]).drafts
        assert (use.drug.ingredient, use.status, use.forbids) == ("tacrolimus", status, forbids)

    @pytest.mark.parametrize("detail", [{"productCodeableConcept": tacrolimus()}, {"status": "stopped"}, None])
    def test_an_activity_that_goes_on_or_names_no_product_stops_nothing(self, detail: Json | None) -> None:
        assert drafts(self.plan({"detail": detail})) == {}


class TestTasks:
    @staticmethod
    def task(code: str = "abort", **more: Any) -> Json:
        meaning = {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": code}]}
        return {"resourceType": "Task", "id": "t1", "status": "requested", "code": meaning, "focus": POINTER, **more}

    @pytest.mark.parametrize(("code", "meant"), [("abort", STOPPED), ("suspend", HELD), ("fulfill", None), ("change", None)])
    def test_the_code_of_a_task_says_what_is_to_become_of_the_order(self, code: str, meant: UseStatus | None) -> None:
        assert drafts(self.task(code)) == ({} if meant is None else {"MedicationRequest/m1": meant})

    @pytest.mark.parametrize("status", ["cancelled", "rejected", "failed", "entered-in-error"])
    def test_a_task_that_will_not_be_done_stops_nothing(self, status: str) -> None:
        assert drafts(self.task(status=status)) == {}

    def test_a_task_for_somebody_else_is_not_read(self) -> None:
        assert drafts(self.task(**{"for": {"reference": "Patient/other"}})) == {}
        assert drafts(self.task(**{"for": {"reference": "Patient/p1"}})) != {}


def test_what_ends_an_order_is_named() -> None:
    """Its own status stays what it was: the card must not say otherwise."""
    plan, group_of_it = TestPlans.plan({"reference": POINTER}, status="revoked"), group({"type": REMOVE, "resource": POINTER})
    named = {"detail": {"status": "stopped", "productCodeableConcept": tacrolimus()}}
    told = [record(order(), drafts=[one]).drafts for one in (plan, group_of_it, TestTasks.task(), TestPlans.plan(named))]
    assert [use.ended_by for (use,) in told] == ["CarePlan/p1", "RequestGroup/g1", "Task/t1", "CarePlan/p1"]
    assert [use.ended_by for use in (*TestDiscontinuation.ended(order()), *TestDiscontinuation.ended("m1"))] == [DISCONTINUED] * 2


class TestDiscontinuation:
    @classmethod
    def ended(cls, *discontinued: object, **more: tuple[Json, ...]) -> tuple[Use, ...]:
        return cls.told(*discontinued, **more).drafts

    @staticmethod
    def told(*discontinued: object, drafted: tuple[Json, ...] = (), known: tuple[Json, ...] = (order(),)) -> Record:
        lists: tuple[tuple[Raw, ...], ...] = (tuple(map(raw, drafted)), tuple(map(raw, discontinued)))
        request = HookRequest("order-discontinue", "i", HookContext("p1", orders=lists[0], discontinued=lists[1]))
        gathered = Gathered(answers(({"resourceType": "Patient", "id": "p1"}, *known)))
        return read(gathered, request, hook="order-discontinue", asof=TODAY, zone=UTC)

    @pytest.mark.parametrize("status", ["active", "draft", "on-hold", "completed", None])
    def test_an_order_being_discontinued_is_stopped_whatever_its_status(self, status: str | None) -> None:
        (use,) = self.ended(order(status=status))
        assert (use.reference, use.status) == ("MedicationRequest/m1", STOPPED)

    def test_an_order_in_error_and_a_prohibition_are_no_stop(self) -> None:
        assert self.ended(order(status="entered-in-error"), order(doNotPerform=True)) == ()

    @pytest.mark.parametrize(
        "pointer", ["MedicationRequest/m1", "m1", {"reference": "https://ehr.example.org/MedicationRequest/m1"}]
    )
    def test_a_reference_may_stand_for_the_order(self, pointer: object) -> None:
        (use,) = self.ended(pointer)
        assert (use.reference, use.status) == ("MedicationRequest/m1", STOPPED)

    @pytest.mark.parametrize("pointer", ["MedicationRequest/other", "other", {"reference": 7}, 7, {}])
    def test_a_reference_to_nothing_known_is_no_order(self, pointer: object) -> None:
        assert self.ended(pointer) == ()

    @pytest.mark.parametrize(
        ("entry", "count"),
        [
            ("MedicationRequest/other", 1),
            ("other", 1),
            ({"reference": "https://ehr.example.org/MedicationOrder/other"}, 1),
            (order(id="other", medicationCodeableConcept=None), 1),
            ("MedicationRequest/m1", 0),
            ("ServiceRequest/other", 0),
            ({"resourceType": "ServiceRequest", "id": "other"}, 0),
            (7, 0),
        ],
    )
    def test_what_may_be_the_order_of_a_medicine_and_is_not_known_is_noted(self, entry: object, count: int) -> None:
        lost = tuple(one for one in self.told(entry).lost if one.what == "orders of this request")
        assert lost == ((Lost("orders of this request", Loss.UNREADABLE, count),) if count else ())

    def test_the_same_order_among_the_drafts_counts_once(self) -> None:
        (use,) = self.ended(order(), drafted=(order(),))
        assert use.status is STOPPED

    def test_drafts_without_an_id_are_kept_beside_one_that_ends(self) -> None:
        nameless = {key: value for key, value in order(status="draft").items() if key != "id"}
        assert {use.status for use in self.ended({**nameless, "status": "active"}, drafted=(nameless,))} == {
            STOPPED,
            UseStatus.DRAFT,
        }
