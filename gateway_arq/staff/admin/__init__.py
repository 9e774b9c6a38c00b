"""Admin pages of what belongs to no app: users, groups, schedules, the audit trail."""

from gateway_arq.staff.admin import people as people
from gateway_arq.staff.admin import schedules as schedules
