"""The root command: its options, and every command of the contract."""

from __future__ import annotations

import click

from ui.cli import (
    auditing,
    backups,
    cleaning,
    data,
    demo,
    doctor,
    duplicates,
    exporting,
    handover,
    mail,
    mcp,
    openapi,
    people,
    publishing,
    secrets,
    serving,
    site,
    sso,
    testing,
    webhooks,
    working,
)
from ui.cli.command import Group, Option, shared


@click.group(cls=Group)
@shared
@click.version_option(package_name="guanxi", prog_name="guanxi", help="Show the version and stop.", cls=Option)
def cli() -> None:
    """Guanxi: describe objects in YAML, get screens, an API, history and rights."""


people.user.add_command(handover.handover)
people.user.add_command(sso.accounts)
people.user.add_command(sso.unlink)

for command in (
    demo.demo,
    site.new,
    serving.serve,
    working.worker,
    working.jobs,
    publishing.check,
    publishing.plan,
    publishing.publish,
    publishing.pull,
    publishing.history,
    publishing.rollback,
    publishing.purge,
    cleaning.clean_up,
    testing.test,
    data.import_,
    exporting.export,
    data.undo,
    duplicates.duplicates,
    people.explain,
    people.who,
    people.user,
    people.token,
    openapi.openapi,
    mail.mail,
    webhooks.webhooks,
    mcp.mcp,
    backups.backup,
    backups.restore,
    secrets.secrets,
    auditing.audit,
    auditing.alerts,
    doctor.doctor,
):
    cli.add_command(command)
