"""The pages of what is no app's of the house: users, groups, schedules, the audit trail."""

from gateway_arq.staff.admin import people as people
from gateway_arq.staff.admin import schedules as schedules
