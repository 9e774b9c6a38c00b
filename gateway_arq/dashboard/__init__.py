"""The staff's live page: what is going on right now, and is it normal?

The page is complete when it arrives; from then on events update it (`/ws`, `/jpbx-ws` and
`/dashboard-ws`). What no event carries (figures over many calls, health) is read again from
`dashboard/figures` when events say that it has changed. A panel is a module here with its
data, a template of the same name, and, where it does more than show, a script of the same name
(docs/dashboard.md).
"""
