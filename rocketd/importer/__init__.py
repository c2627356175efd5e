"""Cron jobs and systemd timers as tasks: crontab(5), anacrontab(5) and unit files become the text of task files.

    crontab, anacrontab, unit_file      what is written, line by line
    cron_task, anacron_task, timer_task one entry → a `TaskDraft`
    task_file_text                      drafts → TOML, with each original line as a comment

Everything here is pure but for `sources`, `reference_times` and `disabling`, which read the host, ask other programs
and change the host. What has no equivalent becomes a comment of the task.
"""
