"""Publication: from documents to a running revision, without a restart and without losing a value.

`Publisher` plans and publishes; `Models` gives every process the Model of a revision; `Published` is what one
request or write holds on to from beginning to end.
"""

from engine.publish.models import Models, ProcessOutdated, Published
from engine.publish.publisher import Publisher
from engine.publish.revisions import Draft, Revision
from engine.storage.plan import Change, Plan

__all__ = ["Change", "Draft", "Models", "Plan", "ProcessOutdated", "Published", "Publisher", "Revision"]
