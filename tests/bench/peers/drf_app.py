# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202, ANN003, DJ008
"""The peer's application, run by an interpreter of its own: one model, one serializer, one view set, one resource.

As a developer would write it from the documents, with the bench's indexes, persistent connections and cursor pages.

    python -m tests.bench.peers.drf_app fill COUNT | load FILE        DRF_URL names the database
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings

from tests.bench import people

_URL = urlsplit(os.environ.get("DRF_URL", "sqlite:///:memory:"))
_DATABASE = (
    {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": _URL.path.removeprefix("/") if _URL.path == "/:memory:" else _URL.path[1:],
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        },
    }
    if _URL.scheme == "sqlite"
    else {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _URL.path[1:],
        "USER": _URL.username or "",
        "PASSWORD": _URL.password or "",
        "HOST": parse_qs(_URL.query).get("host", [_URL.hostname or ""])[0],
        "PORT": parse_qs(_URL.query).get("port", [str(_URL.port or "")])[0],
    }
)
settings.configure(
    SECRET_KEY="of the bench",
    DEBUG=False,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "rest_framework",
        "rest_framework.authtoken",
    ],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    DATABASES={"default": {**_DATABASE, "CONN_MAX_AGE": None}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    REST_FRAMEWORK={
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from django.urls import include, path  # noqa: E402
from import_export import resources  # noqa: E402
from rest_framework import authentication, pagination, routers, serializers, viewsets  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402
from rest_framework.decorators import action  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from tablib import Dataset  # noqa: E402

_LISTED = (
    "id", "name", "company", "stage", "source", "country", "city", "amount", "score", "next_on", "owner", "updated_at",
)  # fmt: skip


def _choices(keys):
    return [(key, key) for key in keys]


class Member(models.Model):
    """Whose team somebody is in."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True)
    team = models.IntegerField(db_index=True)

    class Meta:
        app_label = "bench"


class Lead(models.Model):
    """The floor's table as a model."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=200)
    company = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(blank=True)
    stage = models.CharField(max_length=20, choices=_choices(people.STAGES), blank=True)
    source = models.CharField(max_length=20, choices=_choices(people.SOURCES), blank=True)
    country = models.CharField(max_length=2, blank=True)
    city = models.CharField(max_length=60, blank=True)
    industry = models.CharField(max_length=60, blank=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    score = models.IntegerField(null=True)
    website = models.URLField(blank=True)
    next_on = models.DateField(null=True)
    note = models.TextField(blank=True)
    external_id = models.CharField(max_length=60, unique=True, null=True)  # noqa: DJ001 - unique where it is given
    owner = models.ForeignKey(User, models.PROTECT)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        app_label = "bench"
        indexes = (
            models.Index(fields=("stage", "country", "-amount", "-id"), name="lead_list"),
            models.Index(fields=("-amount", "-id"), name="lead_amount"),
            models.Index(fields=("owner", "-updated_at", "-id"), name="lead_owned"),
        )

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class LeadSerializer(serializers.ModelSerializer):
    """All fields."""

    score = serializers.IntegerField(min_value=0, max_value=100, required=False, allow_null=True)

    class Meta:
        model = Lead
        exclude = ("version",)
        read_only_fields = ("owner",)


class ListedSerializer(serializers.ModelSerializer):
    """The columns of a list."""

    class Meta:
        model = Lead
        fields = _LISTED


class Pages(pagination.CursorPagination):
    """Fifty rows, the largest amounts first."""

    page_size = 50
    ordering = ("-amount", "-id")

    def get_paginated_response(self, data):
        """Return rows and the cursor of the next page."""
        link = self.get_next_link()
        return Response({"data": data, "next": parse_qs(urlsplit(link).query)["cursor"][0] if link else None})


class Bearer(authentication.TokenAuthentication):
    """Tokens as the other systems take them."""

    keyword = "Bearer"


class LeadViewSet(viewsets.ModelViewSet):
    """Create, read, list, change many."""

    authentication_classes = (Bearer,)
    pagination_class = Pages

    def get_queryset(self):
        """Return what the user may see, filtered as asked."""
        found = Lead.objects.all()
        if not self.request.user.is_superuser:
            own = Member.objects.filter(user=self.request.user).values("team")
            colleagues = Member.objects.filter(team__in=own).values("user_id")
            found = found.filter(models.Q(owner=self.request.user) | models.Q(owner__in=colleagues))
        if self.action == "list":
            given = {key: self.request.GET[key] for key in ("stage", "country") if key in self.request.GET}
            found = found.filter(**given).only(*_LISTED)
        return found

    def get_serializer_class(self):
        """Return fewer fields for lists."""
        return ListedSerializer if self.action == "list" else LeadSerializer

    def perform_create(self, serializer):
        """Give the lead to whoever makes it."""
        serializer.save(owner=self.request.user)

    @action(detail=False, methods=["post"])
    def bulk(self, request):
        """Change some fields of many leads."""
        given = LeadSerializer(data=request.data["values"], partial=True)
        given.is_valid(raise_exception=True)
        changed = Lead.objects.filter(id__in=request.data["ids"])
        return Response({"changed": changed.update(**given.validated_data, version=models.F("version") + 1)})


class LeadResource(resources.ModelResource):
    """What import-export reads from a file, in bulk and validated."""

    class Meta:
        model = Lead
        fields = tuple(people.FIELDS)
        import_id_fields = ("external_id",)
        use_bulk = True
        batch_size = 1000
        skip_diff = True
        clean_model_instances = True
        use_transactions = True

    def before_import_row(self, row, **kwargs):
        """Leave empty cells of numbers and dates empty."""
        for key in ("amount", "score", "next_on"):
            row[key] = row[key] or None

    def before_save_instance(self, instance, row, **kwargs):
        """Give each lead an owner."""
        instance.owner_id = kwargs["owner"]

    def import_instance(self, instance, row, **kwargs):
        """Set the owner first: it is validated with the rest."""
        instance.owner_id = kwargs["owner"]
        super().import_instance(instance, row, **kwargs)


router = routers.SimpleRouter()
router.register("leads", LeadViewSet, basename="lead")
urlpatterns = [path("api/", include(router.urls))]
application = get_wsgi_application()


def fill(count):
    """Make the tables, the people and the leads."""
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Member)
        editor.create_model(Lead)
    boss = User.objects.create(username="boss", is_superuser=True)
    Token.objects.create(user=boss, key="admin")
    reps = []
    for number in range(people.USERS):
        rep = User.objects.create(username=f"rep{number}")
        Member.objects.create(user=rep, team=number % people.TEAMS)
        Token.objects.create(user=rep, key=f"t{number}")
        reps.append(rep)
    with transaction.atomic():
        made = (
            Lead(**{**lead, "next_on": lead["next_on"] or None}, owner=reps[number % people.USERS])
            for number, lead in enumerate(people.leads(count))
        )
        Lead.objects.bulk_create(made, batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def load(file):
    """Import a CSV."""
    data = Dataset().load(Path(file).read_text(encoding="utf-8"), format="csv")
    owner = User.objects.get(username="boss").id
    result = LeadResource().import_data(data, dry_run=False, raise_errors=True, owner=owner)
    sys.stdout.write(json.dumps({"new": result.totals["new"]}) + "\n")


if __name__ == "__main__":
    {"fill": lambda: fill(int(sys.argv[2])), "load": lambda: load(sys.argv[2])}[sys.argv[1]]()
