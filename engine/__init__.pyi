# The public names of the engine: where each comes from. `engine/__init__.py` reads this file too.

from engine.alarms import ALERT_STATES as ALERT_STATES
from engine.alarms import Raised as Raised
from engine.alarms import alert_figures as alert_figures
from engine.alarms import alert_helps as alert_helps
from engine.alarms import alert_labels as alert_labels
from engine.alarms.places import network_of as network_of
from engine.audit import Event as Event
from engine.audit import Head as Head
from engine.audit import LogEntry as LogEntry
from engine.audit import Origin as Origin
from engine.audit import Wanted as Wanted
from engine.audit import acting_from as acting_from
from engine.audit import read_head as read_head
from engine.audit.sentences import EVENT_LABELS as EVENT_LABELS
from engine.audit.sentences import EventNames as EventNames
from engine.audit.sentences import event_sentence as event_sentence
from engine.backup import BackupLock as BackupLock
from engine.backup import BackupUnusable as BackupUnusable
from engine.backup import KeptBackups as KeptBackups
from engine.backup import RestoredBackup as RestoredBackup
from engine.backup import SavedBackup as SavedBackup
from engine.backup import backup_name as backup_name
from engine.backup import backup_size as backup_size
from engine.backup import check_backup as check_backup
from engine.backup import keep_some_backups as keep_some_backups
from engine.backup import nightly_backup as nightly_backup
from engine.backup import restore_backup as restore_backup
from engine.backup import save_backup as save_backup
from engine.clock import now as now
from engine.data.access import Access as Access
from engine.data.asking import Helper as Helper
from engine.data.asking import people_who_give_roles as people_who_give_roles
from engine.data.attached import Attached as Attached
from engine.data.attached import attach_files as attach_files
from engine.data.attached import versions_of as versions_of
from engine.data.batch import BulkResult as BulkResult
from engine.data.batch import Change as Change
from engine.data.batch import Result as Result
from engine.data.batch import Written as Written
from engine.data.deprecated import Deprecated as Deprecated
from engine.data.deprecated import named_deprecated as named_deprecated
from engine.data.deprecated import query_paths as query_paths
from engine.data.deprecated import seen_deprecated as seen_deprecated
from engine.data.deprecated import value_paths as value_paths
from engine.data.explain import Explanation as Explanation
from engine.data.explain import explain as explain
from engine.data.facets import Facets as Facets
from engine.data.feed import ChangesForgotten as ChangesForgotten
from engine.data.feed import Feed as Feed
from engine.data.feed import FeedPage as FeedPage
from engine.data.feed import Gone as Gone
from engine.data.feed import changes_after as changes_after
from engine.data.fields import all_columns as all_columns
from engine.data.fields import child_columns as child_columns
from engine.data.fields import is_masked as is_masked
from engine.data.files import Files as Files
from engine.data.files import QuotaExceeded as QuotaExceeded
from engine.data.finding import (
    Found as Found,
)
from engine.data.finding import looked_for as looked_for
from engine.data.finding import name_forms as name_forms
from engine.data.finding import searchable as searchable
from engine.data.freshness import told_by_version as told_by_version
from engine.data.hanging import Hanging as Hanging
from engine.data.hanging import hanging as hanging
from engine.data.happenings import HAPPENING_KINDS as HAPPENING_KINDS
from engine.data.happenings import Happening as Happening
from engine.data.happenings import Happenings as Happenings
from engine.data.happenings import activity_fields as activity_fields
from engine.data.happenings import activity_relation as activity_relation
from engine.data.happenings import happenings as happenings
from engine.data.incoming import incoming as incoming
from engine.data.lanes import lane as lane
from engine.data.marks import MARK as MARK
from engine.data.minding import minding_duplicates as minding_duplicates
from engine.data.nearby import Near as Near
from engine.data.nearby import Point as Point
from engine.data.nearby import distance_km as distance_km
from engine.data.offering import offered as offered
from engine.data.principal import SYSTEM as SYSTEM
from engine.data.principal import Principal as Principal
from engine.data.query import Aggregate as Aggregate
from engine.data.query import Bucket as Bucket
from engine.data.query import Query as Query
from engine.data.reader import Count as Count
from engine.data.reader import Reader as Reader
from engine.data.recent import Recent as Recent
from engine.data.records import Records as Records
from engine.data.remembered import Remembered as Remembered
from engine.data.rowset import Row as Row
from engine.data.rowset import RowSet as RowSet
from engine.data.scopes import AGENT as AGENT
from engine.data.scopes import AGENT_DELETE as AGENT_DELETE
from engine.data.scopes import AGENT_DIRECT as AGENT_DIRECT
from engine.data.scopes import AGENT_PERSONAL as AGENT_PERSONAL
from engine.data.scopes import AGENT_WRITE as AGENT_WRITE
from engine.data.seeing import Seer as Seer
from engine.data.seeing import Sight as Sight
from engine.data.seeing import who_can_see as who_can_see
from engine.data.shared import followers as followers
from engine.data.sharing import Share as Share
from engine.data.sugar import OPERATORS as OPERATORS
from engine.data.sugar import SUGAR as SUGAR
from engine.data.sugar import sugared as sugared
from engine.data.tastes import NO_TASTES as NO_TASTES
from engine.data.tastes import TASTES as TASTES
from engine.data.tastes import Tastes as Tastes
from engine.data.timeline import ChangeEntry as ChangeEntry
from engine.data.timeline import FieldChange as FieldChange
from engine.data.timeline import History as History
from engine.data.transfer import (
    ColumnMap as ColumnMap,
)
from engine.data.transfer import (
    ImportOptions as ImportOptions,
)
from engine.data.transfer import (
    ImportReport as ImportReport,
)
from engine.data.transfer import (
    SheetUnreadable as SheetUnreadable,
)
from engine.data.transfer.importing import import_ways as import_ways
from engine.data.transfer.looking import FileLook as FileLook
from engine.data.transfer.mapping import REASON as REASON
from engine.data.transfer.mapping import ColumnRule as ColumnRule
from engine.data.transfer.mapping import guarded as guarded
from engine.data.transfer.mapping import map_text as map_text
from engine.data.transfer.mapping import parse_map as parse_map
from engine.data.transfer.proposing import unknown_words as unknown_words
from engine.data.transfer.wanted import ExportOptions as ExportOptions
from engine.data.transfer.wanted import kind_of_file as kind_of_file
from engine.data.transfer.wanted import read_export_options as read_export_options
from engine.doctor import Finding as Finding
from engine.doctor import examine as examine
from engine.duplicates import MERGE_ALL as MERGE_ALL
from engine.duplicates import MOST_MERGED as MOST_MERGED
from engine.duplicates import DuplicatesFound as DuplicatesFound
from engine.duplicates import Lookalikes as Lookalikes
from engine.duplicates import MergeChoice as MergeChoice
from engine.duplicates import Merged as Merged
from engine.duplicates import MergeLook as MergeLook
from engine.duplicates import Merges as Merges
from engine.duplicates import Suspects as Suspects
from engine.duplicates import Twin as Twin
from engine.errors import (
    AccessChanged as AccessChanged,
)
from engine.errors import (
    AccessDenied as AccessDenied,
)
from engine.errors import (
    BadValue as BadValue,
)
from engine.errors import (
    DatabaseUnavailable as DatabaseUnavailable,
)
from engine.errors import (
    DocumentsInvalid as DocumentsInvalid,
)
from engine.errors import (
    ExpressionInvalid as ExpressionInvalid,
)
from engine.errors import (
    ExpressionProblem as ExpressionProblem,
)
from engine.errors import (
    FieldConflict as FieldConflict,
)
from engine.errors import (
    FieldProblem as FieldProblem,
)
from engine.errors import (
    GuanxiError as GuanxiError,
)
from engine.errors import (
    IdempotencyMismatch as IdempotencyMismatch,
)
from engine.errors import (
    NotFound as NotFound,
)
from engine.errors import (
    PasswordRefused as PasswordRefused,
)
from engine.errors import (
    Place as Place,
)
from engine.errors import (
    PlanRefused as PlanRefused,
)
from engine.errors import (
    Problem as Problem,
)
from engine.errors import (
    ProofNeeded as ProofNeeded,
)
from engine.errors import (
    PullFirst as PullFirst,
)
from engine.errors import (
    QueryInvalid as QueryInvalid,
)
from engine.errors import (
    QueryTooSlow as QueryTooSlow,
)
from engine.errors import (
    RecordInvalid as RecordInvalid,
)
from engine.errors import (
    SignInLocked as SignInLocked,
)
from engine.errors import (
    SignInNeeded as SignInNeeded,
)
from engine.errors import (
    SignInRefused as SignInRefused,
)
from engine.errors import (
    SiteBroken as SiteBroken,
)
from engine.errors import (
    StaleModel as StaleModel,
)
from engine.errors import (
    TooManyRequests as TooManyRequests,
)
from engine.errors import (
    VersionConflict as VersionConflict,
)
from engine.expression import (
    FALSE as FALSE,
)
from engine.expression import (
    NULL as NULL,
)
from engine.expression import (
    TRUE as TRUE,
)
from engine.expression import (
    Call as Call,
)
from engine.expression import (
    Expr as Expr,
)
from engine.expression import (
    Literal as Literal,
)
from engine.expression import (
    Path as Path,
)
from engine.expression import (
    Type as Type,
)
from engine.expression import (
    Var as Var,
)
from engine.expression import (
    compile_python as compile_python,
)
from engine.expression import (
    conjunction as conjunction,
)
from engine.expression import (
    disjunction as disjunction,
)
from engine.expression import (
    from_json as from_json,
)
from engine.expression import (
    parse as parse,
)
from engine.expression import (
    paths as paths,
)
from engine.expression import (
    to_browser as to_browser,
)
from engine.expression import (
    to_json as to_json,
)
from engine.expression import (
    to_text as to_text,
)
from engine.expression import (
    variables as variables,
)
from engine.fields import (
    FieldType as FieldType,
)
from engine.fields import (
    Locale as Locale,
)
from engine.fields import (
    StorageType as StorageType,
)
from engine.fields import (
    field_types as field_types,
)
from engine.fields import (
    register as register,
)
from engine.handover import (
    Assignment as Assignment,
)
from engine.handover import (
    Handover as Handover,
)
from engine.handover import (
    HandoverPlan as HandoverPlan,
)
from engine.handover import (
    Handovers as Handovers,
)
from engine.hooks import Hooks as Hooks
from engine.hooks import hookimpl as hookimpl
from engine.i18n import (
    LANGUAGES as LANGUAGES,
)
from engine.i18n import (
    Message as Message,
)
from engine.i18n import (
    Text as Text,
)
from engine.i18n import (
    add_catalogues as add_catalogues,
)
from engine.i18n import (
    humanise as humanise,
)
from engine.i18n import (
    translate as translate,
)
from engine.identity import Away as Away
from engine.identity import Identity as Identity
from engine.identity import Link as Link
from engine.identity import Person as Person
from engine.identity import SecondFactorNeeded as SecondFactorNeeded
from engine.identity import Session as Session
from engine.identity import SignIn as SignIn
from engine.identity import Step as Step
from engine.identity import Token as Token
from engine.identity import check_token as check_token
from engine.identity.people import EVERYONE as EVERYONE
from engine.identity.sso import Provider as Provider
from engine.identity.throttle import Standing as Standing
from engine.ids import is_id as is_id
from engine.ids import new_id as new_id
from engine.insight.answers import Answer as Answer
from engine.insight.answers import allowed_question as allowed_question
from engine.insight.answers import ask_numbers as ask_numbers
from engine.insight.answers import ask_totals as ask_totals
from engine.insight.answers import change_in_percent as change_in_percent
from engine.insight.answers import readable_field as readable_field
from engine.insight.documents import Card as Card
from engine.insight.documents import Dashboard as Dashboard
from engine.insight.documents import ReportDoc as ReportDoc
from engine.insight.documents import all_dashboards as all_dashboards
from engine.insight.documents import all_reports as all_reports
from engine.insight.documents import card_of as card_of
from engine.insight.documents import cards_for as cards_for
from engine.insight.documents import dashboards_for as dashboards_for
from engine.insight.documents import is_offered as is_offered
from engine.insight.documents import readable_card as readable_card
from engine.insight.documents import report_of as report_of
from engine.insight.documents import reports_for as reports_for
from engine.insight.drilling import field_along as field_along
from engine.insight.drilling import records_of as records_of
from engine.insight.exporting import write_numbers as write_numbers
from engine.insight.periods import NAMED_PERIODS as NAMED_PERIODS
from engine.insight.periods import Period as Period
from engine.insight.periods import period_of as period_of
from engine.insight.periods import period_of_label as period_of_label
from engine.insight.periods import within_period as within_period
from engine.insight.question import Measure as Measure
from engine.insight.question import Question as Question
from engine.insight.question import question_of as question_of
from engine.jobs import JOB_STATE_LABELS as JOB_STATE_LABELS
from engine.jobs import JOB_STATES as JOB_STATES
from engine.jobs import Job as Job
from engine.jobs import Jobs as Jobs
from engine.jobs import JobStopped as JobStopped
from engine.jobs import Run as Run
from engine.jobs import Schedule as Schedule
from engine.jobs import ScheduleEntry as ScheduleEntry
from engine.jobs import Task as Task
from engine.jobs import WorkerEntry as WorkerEntry
from engine.leaks import Accepted as Accepted
from engine.leaks import Asking as Asking
from engine.leaks import Channel as Channel
from engine.leaks import LeakReport as LeakReport
from engine.leaks import Words as Words
from engine.leaks import examine_leaks as examine_leaks
from engine.leaks import register_channel as register_channel
from engine.metadata.document import Document as Document
from engine.metadata.document import dump as dump
from engine.metadata.document import read_documents as read_documents
from engine.metadata.kinds.alerts import EVENT_KINDS as EVENT_KINDS
from engine.metadata.matrices import Matrix as Matrix
from engine.metadata.matrices import decider_of as decider_of
from engine.metadata.matrices import deciding_fields as deciding_fields
from engine.metadata.matrices import depending_fields as depending_fields
from engine.metadata.matrices import matrix_of as matrix_of
from engine.metadata.model import (
    ACTIONS as ACTIONS,
)
from engine.metadata.model import (
    Column as Column,
)
from engine.metadata.model import (
    Deprecation as Deprecation,
)
from engine.metadata.model import (
    Entity as Entity,
)
from engine.metadata.model import (
    Field as Field,
)
from engine.metadata.model import (
    Form as Form,
)
from engine.metadata.model import (
    FormItem as FormItem,
)
from engine.metadata.model import (
    MenuItem as MenuItem,
)
from engine.metadata.model import (
    Model as Model,
)
from engine.metadata.model import (
    Option as Option,
)
from engine.metadata.model import (
    Order as Order,
)
from engine.metadata.model import (
    Related as Related,
)
from engine.metadata.model import (
    Relation as Relation,
)
from engine.metadata.model import (
    Role as Role,
)
from engine.metadata.model import (
    Section as Section,
)
from engine.metadata.model import (
    States as States,
)
from engine.metadata.model import (
    Tab as Tab,
)
from engine.metadata.model import (
    Transition as Transition,
)
from engine.metadata.model import (
    View as View,
)
from engine.metadata.scope import EntityScope as EntityScope
from engine.metadata.scope import problems_of as problems_of
from engine.notices import MAIL_WAY_LABELS as MAIL_WAY_LABELS
from engine.notices import MOST_PINNED as MOST_PINNED
from engine.notices import NOTICE_LABELS as NOTICE_LABELS
from engine.notices import SIGNS as SIGNS
from engine.notices import Notices as Notices
from engine.notices import NoticeSettings as NoticeSettings
from engine.notices import ToldNotice as ToldNotice
from engine.notices import acting_person as acting_person
from engine.notices import asked_settings as asked_settings
from engine.notices import notice_sentence as notice_sentence
from engine.outbound import Outbound as Outbound
from engine.outbound import OutboundFailed as OutboundFailed
from engine.outbound import OutboundRefused as OutboundRefused
from engine.outbound import Reply as Reply
from engine.personal.dashboards import Arrangements as Arrangements
from engine.personal.dashboards import Layout as Layout
from engine.personal.drafts import Draft as Draft
from engine.personal.feeds import CalendarFeed as CalendarFeed
from engine.personal.feeds import CalendarFeeds as CalendarFeeds
from engine.personal.reports import LONGEST_REPORT_NAME as LONGEST_REPORT_NAME
from engine.personal.reports import OwnReport as OwnReport
from engine.personal.reports import OwnReports as OwnReports
from engine.personal.settings import PersonalSettings as PersonalSettings
from engine.personal.stars import MOST_STARS as MOST_STARS
from engine.personal.stars import Stars as Stars
from engine.personal.stars import TooManyStars as TooManyStars
from engine.personal.views import PUBLISH_VIEWS as PUBLISH_VIEWS
from engine.personal.views import Arrangement as Arrangement
from engine.personal.views import Audience as Audience
from engine.personal.views import SavedView as SavedView
from engine.personal.views import SavedViews as SavedViews
from engine.personal.views import Shown as Shown
from engine.personal.views import Views as Views
from engine.personal.visits import Visits as Visits
from engine.proposals import Author as Author
from engine.proposals import Decision as Decision
from engine.proposals import Operation as Operation
from engine.proposals import OperationsRefused as OperationsRefused
from engine.proposals import Preview as Preview
from engine.proposals import Proposal as Proposal
from engine.proposals import ProposalPart as ProposalPart
from engine.proposals import Proposals as Proposals
from engine.publish import Plan as Plan
from engine.publish import Published as Published
from engine.publish import Publisher as Publisher
from engine.publish import Revision as Revision
from engine.publish.drafting import Drafted as Drafted
from engine.publish.drafting import Drafting as Drafting
from engine.publish.revisions import Entry as Entry
from engine.scenario import Outcome as Outcome
from engine.scenario import ScenarioResult as ScenarioResult
from engine.scenario import run_scenarios as run_scenarios
from engine.site.cleaning import Swept as Swept
from engine.site.config import Limits as Limits
from engine.site.config import SiteConfig as SiteConfig
from engine.site.config import read_config as read_config
from engine.site.documents import Checked as Checked
from engine.site.documents import check_files as check_files
from engine.site.folder import create_folder as create_folder
from engine.site.folder import write_private as write_private
from engine.site.protection import Protection as Protection
from engine.site.protection import protections as protections
from engine.site.pulling import Pulled as Pulled
from engine.site.secrets import Encryption as Encryption
from engine.site.secrets import encryption as encryption
from engine.site.secrets import reindex_keys as reindex_keys
from engine.site.secrets import rewrap_keys as rewrap_keys
from engine.site.secrets import rotate_keys as rotate_keys
from engine.site.secrets import write_new_key as write_new_key
from engine.site.site import Site as Site
from engine.storage.plan_text import plan_to_json as plan_to_json
from engine.storage.plan_text import plan_to_text as plan_to_text
from engine.transfers.acting import Acted as Acted
from engine.transfers.acting import MassAct as MassAct
from engine.transfers.acting import MassActs as MassActs
from engine.transfers.acting import MassResult as MassResult
from engine.transfers.acting import Reach as Reach
from engine.transfers.export_rows import ExportFile as ExportFile
from engine.transfers.export_rules import EXPORT_TYPES as EXPORT_TYPES
from engine.transfers.export_rules import Fetched as Fetched
from engine.transfers.exporting import Exports as Exports
from engine.transfers.import_maps import SavedMap as SavedMap
from engine.transfers.import_maps import proposed_map as proposed_map
from engine.transfers.import_rows import ImportRun as ImportRun
from engine.transfers.import_rows import problem_kind as problem_kind
from engine.transfers.import_targets import ImportTarget as ImportTarget
from engine.transfers.importing import Imports as Imports
from engine.webhooks import CALL_OUTCOME_LABELS as CALL_OUTCOME_LABELS
from engine.webhooks import DELIVERY_STATE_LABELS as DELIVERY_STATE_LABELS
from engine.webhooks import DELIVERY_STATES as DELIVERY_STATES
from engine.webhooks import ENDPOINT_STATE_LABELS as ENDPOINT_STATE_LABELS
from engine.webhooks import EVERY_ENTITY as EVERY_ENTITY
from engine.webhooks import HOOK_MODE_LABELS as HOOK_MODE_LABELS
from engine.webhooks import HOOK_SCHEME_LABELS as HOOK_SCHEME_LABELS
from engine.webhooks import HOOK_STATE_LABELS as HOOK_STATE_LABELS
from engine.webhooks import MOST_HOOK_BYTES as MOST_HOOK_BYTES
from engine.webhooks import TRANSFORM_LABELS as TRANSFORM_LABELS
from engine.webhooks import USUAL_HOOK_BYTES as USUAL_HOOK_BYTES
from engine.webhooks import WEBHOOK_EVENT_LABELS as WEBHOOK_EVENT_LABELS
from engine.webhooks import WEBHOOK_EVENTS as WEBHOOK_EVENTS
from engine.webhooks import Attempt as Attempt
from engine.webhooks import BodyMapping as BodyMapping
from engine.webhooks import Delivery as Delivery
from engine.webhooks import Endpoint as Endpoint
from engine.webhooks import EndpointWish as EndpointWish
from engine.webhooks import Hook as Hook
from engine.webhooks import HookCall as HookCall
from engine.webhooks import HookWish as HookWish
from engine.webhooks import Incoming as Incoming
from engine.webhooks import MappedField as MappedField
from engine.webhooks import Taken as Taken
from engine.webhooks import Webhooks as Webhooks
from engine.webhooks import mapping_from_json as mapping_from_json
from engine.webhooks import paths_in as paths_in
from engine.webhooks import ways_to_match as ways_to_match
