"""Texts of libraries that have no Italian, listed here for our catalogue."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

THEME: Final = (
    _("Add new item"),
    _("Add row"),
    _("After you've created a user, you’ll be able to edit more user options."),
    _("All applications"),
    _("Apply Filters"),
    _("Cancel"),
    _("Choose file to upload"),
    _("Dark"),
    _("Date from"),
    _("Date to"),
    _("Expand row"),
    _("False"),
    _("From"),
    _("General"),
    _("Go back"),
    _("Light"),
    _("Loading more results..."),
    _("More actions"),
    _("No results found"),
    _("No results matching your query"),
    _("Reset filters"),
    _("Return to site"),
    _("Run"),
    _("Search apps and models..."),
    _("Select action"),
    _("Select action to run"),
    _("Select all rows"),
    _("Select format"),
    _("Select record"),
    _("Select value"),
    _("Some rows failed to validate"),
    _("System"),
    _("This exporter will export the following fields"),
    _("This item will be deleted."),
    _("This page yielded into no results. Create a new item or reset your filters."),
    _("To"),
    _("Toggle password visibility"),
    _("True"),
    _("Type to search"),
    _("Value"),
    _("Welcome"),
    _("Welcome back to"),
    _("You have been successfully logged out from the administration"),
)
SCHEDULES: Final = (
    _("Periodic Tasks"),
    _("Clocked Schedule"),
    _("Clock Time"),
    _("Cron Timezone"),
    _("Crontab Schedule"),
    _("Description"),
    _("Enabled"),
    _("Interval Period"),
    _("Interval Schedule"),
    _("Keyword Arguments"),
    _("Last Run Datetime"),
    _("Name"),
    _("Number of Periods"),
    _("One-off Task"),
    _("Positional Arguments"),
    _("Schedule"),
    _("Arguments"),
    _("Set to False to disable the schedule"),
    _("Short Description For This Task"),
    _("Start Datetime"),
    _("Task (custom)"),
    _("Task (registered)"),
    _("interval"),
    _("intervals"),
    _("crontab"),
    _("crontabs"),
    _("clocked"),
    _("periodic task"),
    _("periodic tasks"),
    _("every {}"),
    _("every {} {}"),
    _("Days"),
    _("Hours"),
    _("Minutes"),
    _("Seconds"),
    _("Microseconds"),
    _("Day"),
    _("Hour"),
    _("Minute"),
    _("Second"),
    _("Microsecond"),
)
SCHEDULE_FORMS: Final = (
    _("Detailed description about the details of this Periodic Task"),
    _("Interval Schedule to run the task on.  Set only one schedule type, leave the others null."),
    _("Crontab Schedule to run the task on.  Set only one schedule type, leave the others null."),
    _("Clocked Schedule to run the task on.  Set only one schedule type, leave the others null."),
    _("Datetime when the schedule should begin triggering the task to run"),
    _(
        "Datetime that the schedule last triggered the task to run. "
        "Reset to None if enabled is set to False."
    ),
    _("If True, the schedule will only run the task a single time"),
    _('JSON encoded positional arguments (Example: ["arg1", "arg2"])'),
    _('JSON encoded keyword arguments (Example: {"argument": "value"})'),
    _("Number of interval periods to wait before running the task again"),
    _("The type of period between task runs (Example: days)"),
    _("Run the task at clocked time"),
    _("Minute(s)"),
    _("Hour(s)"),
    _("Day(s) Of The Month"),
    _("Month(s) Of The Year"),
    _("Day(s) Of The Week"),
    _('Cron Minutes to Run. Use "*" for "all". (Example: "0,30")'),
    _('Cron Hours to Run. Use "*" for "all". (Example: "8,20")'),
    _('Cron Days Of The Month to Run. Use "*" for "all". (Example: "1,15")'),
    _('Cron Months (1-12) Of The Year to Run. Use "*" for "all". (Example: "1,12")'),
    _(
        'Cron Days Of The Week to Run. Use "*" for "all", Sunday is 0 or 7, Monday is 1. '
        '(Example: "0,5")'
    ),
    _("Timezone to Run the Cron Schedule on. Default is UTC."),
    _("Need name of task"),
    _("Unable to parse JSON: %s"),
)
LOGINS: Final = (
    _("access attempt"),
    _("access attempts"),
    _("Attempt Time"),
    _("Failed Logins"),
    _("IP Address"),
    _("User Agent"),
    _("Username"),
)
TRAIL: Final = (
    _("log entry"),
    _("log entries"),
    _("timestamp"),
    _("action"),
    _("create"),
    _("update"),
    _("delete"),
    _("access"),
    _("object representation"),
    _("remote address"),
    _("Correlation ID"),
)
USERS: Final = (  # of Django's, not in its Italian
    _("Password-based authentication"),
    _("Disabled"),
    _(
        "Whether the user will be able to authenticate using a password or not. "
        "If disabled, they may still be able to authenticate using other backends, "
        "such as Single Sign-On or LDAP."
    ),
    _(
        "Raw passwords are not stored, so there is no way to see this "
        "user’s password, but you can change the password using "
        '<a href="{}" class="text-primary-600 dark:text-primary-500">this form</a>.'
    ),
)
