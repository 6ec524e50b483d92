"""Webhooks: other programs are told of changes, and may tell the site of theirs.

Out: endpoints follow the change feed, and what they are told is signed as Standard Webhooks 1.0 has it. In: hooks
turn what is sent to an address of its own into records, through the same access and checks as any other write.
"""

from engine.webhooks.endpoint import DELIVERY_STATE_LABELS as DELIVERY_STATE_LABELS
from engine.webhooks.endpoint import DELIVERY_STATES as DELIVERY_STATES
from engine.webhooks.endpoint import ENDPOINT_STATE_LABELS as ENDPOINT_STATE_LABELS
from engine.webhooks.endpoint import EVERY_ENTITY as EVERY_ENTITY
from engine.webhooks.endpoint import WEBHOOK_EVENT_LABELS as WEBHOOK_EVENT_LABELS
from engine.webhooks.endpoint import WEBHOOK_EVENTS as WEBHOOK_EVENTS
from engine.webhooks.endpoint import Attempt as Attempt
from engine.webhooks.endpoint import Delivery as Delivery
from engine.webhooks.endpoint import Endpoint as Endpoint
from engine.webhooks.endpoint import EndpointWish as EndpointWish
from engine.webhooks.inbound.checking import ways_to_match as ways_to_match
from engine.webhooks.inbound.hook import CALL_OUTCOME_LABELS as CALL_OUTCOME_LABELS
from engine.webhooks.inbound.hook import HOOK_MODE_LABELS as HOOK_MODE_LABELS
from engine.webhooks.inbound.hook import HOOK_SCHEME_LABELS as HOOK_SCHEME_LABELS
from engine.webhooks.inbound.hook import HOOK_STATE_LABELS as HOOK_STATE_LABELS
from engine.webhooks.inbound.hook import MOST_HOOK_BYTES as MOST_HOOK_BYTES
from engine.webhooks.inbound.hook import USUAL_HOOK_BYTES as USUAL_HOOK_BYTES
from engine.webhooks.inbound.hook import BodyMapping as BodyMapping
from engine.webhooks.inbound.hook import Hook as Hook
from engine.webhooks.inbound.hook import HookCall as HookCall
from engine.webhooks.inbound.hook import HookWish as HookWish
from engine.webhooks.inbound.hook import Incoming as Incoming
from engine.webhooks.inbound.hook import MappedField as MappedField
from engine.webhooks.inbound.hook import Taken as Taken
from engine.webhooks.inbound.hook import mapping_from_json as mapping_from_json
from engine.webhooks.inbound.mapping import paths_in as paths_in
from engine.webhooks.inbound.transforms import TRANSFORM_LABELS as TRANSFORM_LABELS
from engine.webhooks.parts import Parts as Parts
from engine.webhooks.sending import Outcome as Outcome
from engine.webhooks.webhooks import Webhooks as Webhooks
