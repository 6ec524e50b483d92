"""What people are told of what happens: who is told, on the site and by mail, and what they follow."""

from engine.notices.mailing import NoticeMails as NoticeMails
from engine.notices.mailing import notice_sentence as notice_sentence
from engine.notices.notices import Notices as Notices
from engine.notices.notices import ToldNotice as ToldNotice
from engine.notices.notices import acting_person as acting_person
from engine.notices.posts import MOST_PINNED as MOST_PINNED
from engine.notices.posts import SIGNS as SIGNS
from engine.notices.settings import MAIL_WAY_LABELS as MAIL_WAY_LABELS
from engine.notices.settings import NOTICE_LABELS as NOTICE_LABELS
from engine.notices.settings import NoticeSettings as NoticeSettings
from engine.notices.settings import asked_settings as asked_settings
