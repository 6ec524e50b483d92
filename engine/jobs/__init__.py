"""Jobs: work that is done later or takes long, and goes on where it was when a worker dies.

A job is a row of the table `job`, written in the transaction of what causes it. A worker hands rows that are due to a
queue, which has them run in threads; the queue may lose all it has, for the rows say what is to be done.
"""

from engine.jobs.beats import WorkerEntry as WorkerEntry
from engine.jobs.job import JOB_STATE_LABELS as JOB_STATE_LABELS
from engine.jobs.job import JOB_STATES as JOB_STATES
from engine.jobs.job import Job as Job
from engine.jobs.job import JobStopped as JobStopped
from engine.jobs.job import Task as Task
from engine.jobs.jobs import Jobs as Jobs
from engine.jobs.run import Run as Run
from engine.jobs.schedules import Schedule as Schedule
from engine.jobs.schedules import ScheduleEntry as ScheduleEntry
