"""What of the screens is offered to somebody: entries of menus and views, by role and by a condition over the person.

It keeps screens tidy and is no boundary: what may be seen is said by rows and masks, whatever is offered.
"""

from __future__ import annotations

from engine.data.access import Access
from engine.expression import compile_python
from engine.metadata.model import MenuItem, View
from engine.metadata.scope import PersonScope


def offered(access: Access, item: MenuItem | View) -> bool:
    """Say whether an entry or a view is shown to the principal; to the product itself everything is."""
    who = access.principal
    if who.system:
        return True
    if item.roles and not who.roles & set(item.roles):
        return False
    when = item.when
    if when is None:
        return True
    holds = access.model.derive(("offered", when), lambda: compile_python(when, PersonScope()))
    return bool(holds({}, access.env()))
