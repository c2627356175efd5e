"""Time by the calendar: units, windows, ticks, cron and OnCalendar expressions."""
