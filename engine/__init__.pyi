"""The public names of the engine: where each comes from. `engine/__init__.py` reads this file too."""

from engine import clock as clock
from engine.data.access import Access as Access
from engine.data.batch import BulkResult as BulkResult, Change as Change, Result as Result, Written as Written
from engine.data.explain import Explanation as Explanation, explain as explain
from engine.data.files import Files as Files
from engine.data.principal import SYSTEM as SYSTEM, Principal as Principal
from engine.data.query import Aggregate as Aggregate, Bucket as Bucket, Query as Query
from engine.data.reader import Count as Count, Reader as Reader
from engine.data.records import Records as Records
from engine.data.rowset import Row as Row, RowSet as RowSet
from engine.data.transfer import (
    ColumnMap as ColumnMap,
    ImportOptions as ImportOptions,
    ImportReport as ImportReport,
    SheetUnreadable as SheetUnreadable,
)
from engine.doctor import Finding as Finding, examine as examine
from engine.errors import (
    AccessDenied as AccessDenied,
    BadValue as BadValue,
    DatabaseUnavailable as DatabaseUnavailable,
    DocumentsInvalid as DocumentsInvalid,
    ExpressionInvalid as ExpressionInvalid,
    ExpressionProblem as ExpressionProblem,
    FieldConflict as FieldConflict,
    FieldProblem as FieldProblem,
    GuanxiError as GuanxiError,
    IdempotencyMismatch as IdempotencyMismatch,
    NotFound as NotFound,
    PasswordRefused as PasswordRefused,
    Place as Place,
    PlanRefused as PlanRefused,
    Problem as Problem,
    PullFirst as PullFirst,
    QueryInvalid as QueryInvalid,
    QueryTooSlow as QueryTooSlow,
    RecordInvalid as RecordInvalid,
    SignInNeeded as SignInNeeded,
    SignInRefused as SignInRefused,
    SiteBroken as SiteBroken,
    StaleModel as StaleModel,
    VersionConflict as VersionConflict,
)
from engine.expression import (
    FALSE as FALSE,
    NULL as NULL,
    TRUE as TRUE,
    Call as Call,
    Expr as Expr,
    Literal as Literal,
    Path as Path,
    Type as Type,
    Var as Var,
    conjunction as conjunction,
    disjunction as disjunction,
    from_json as from_json,
    parse as parse,
    to_json as to_json,
    to_text as to_text,
)
from engine.fields import (
    FieldType as FieldType,
    Locale as Locale,
    StorageType as StorageType,
    field_types as field_types,
    register as register,
)
from engine.hooks import Hooks as Hooks, hookimpl as hookimpl
from engine.i18n import (
    LANGUAGES as LANGUAGES,
    Message as Message,
    Text as Text,
    add_catalogues as add_catalogues,
    humanise as humanise,
    translate as translate,
)
from engine.identity import Identity as Identity, Link as Link, Person as Person, SignIn as SignIn, Token as Token
from engine.ids import is_id as is_id, new_id as new_id
from engine.metadata.document import Document as Document, dump as dump
from engine.metadata.model import (
    ACTIONS as ACTIONS,
    Column as Column,
    Entity as Entity,
    Field as Field,
    Form as Form,
    FormItem as FormItem,
    MenuItem as MenuItem,
    Model as Model,
    Option as Option,
    Order as Order,
    Related as Related,
    Relation as Relation,
    Role as Role,
    Section as Section,
    States as States,
    Tab as Tab,
    Transition as Transition,
    View as View,
)
from engine.publish import Plan as Plan, Published as Published, Publisher as Publisher, Revision as Revision
from engine.publish.revisions import Entry as Entry
from engine.scenario import Outcome as Outcome, ScenarioResult as ScenarioResult, run_scenarios as run_scenarios
from engine.site.config import Limits as Limits, SiteConfig as SiteConfig, read_config as read_config
from engine.site.documents import Checked as Checked, check_files as check_files
from engine.site.folder import create_folder as create_folder, write_private as write_private
from engine.site.pulling import Pulled as Pulled
from engine.site.site import Site as Site
from engine.storage.plan_text import plan_to_json as plan_to_json, plan_to_text as plan_to_text
