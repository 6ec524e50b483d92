"""The screens, each a module with a blueprint of its own."""

from __future__ import annotations

from flask import Blueprint

from ui.pages import (
    account,
    alerts,
    audit,
    bulk,
    encryption,
    files,
    forms,
    handover,
    health,
    history,
    home,
    lists,
    lookups,
    moves,
    outbound,
    own_tokens,
    people,
    records,
    revealing,
    search,
    second_step,
    security,
    settings,
    sharing,
    signing,
    sso,
    trash,
    viewing,
    who,
    why,
)


def blueprints() -> tuple[Blueprint, ...]:
    """Return the blueprints of every screen; fixed addresses first, those of any entity last."""
    return (
        signing.routes,
        sso.routes,
        second_step.routes,
        account.routes,
        own_tokens.routes,
        people.routes,
        settings.routes,
        health.routes,
        outbound.routes,
        audit.routes,
        alerts.routes,
        security.routes,
        encryption.routes,
        home.routes,
        search.routes,
        files.routes,
        handover.routes,
        trash.routes,
        bulk.routes,
        forms.routes,
        sharing.routes,
        lookups.routes,
        moves.routes,
        history.routes,
        viewing.routes,
        who.routes,
        why.routes,
        revealing.routes,
        records.routes,
        lists.routes,
    )
