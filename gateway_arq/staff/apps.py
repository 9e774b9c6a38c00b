from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class StaffConfig(AppConfig):
    name = "gateway_arq.staff"
    label = "staff"
    verbose_name = "Staff"


class HouseAdminConfig(AdminConfig):
    """`django.contrib.admin`, with the house's own site as the one that admin classes go to."""

    default_site = "gateway_arq.staff.site.HouseSite"
