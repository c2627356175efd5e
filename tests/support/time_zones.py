"""Zones for tests that compare: every half and quarter of an hour, both hemispheres, and rules that changed."""

MANY_ZONES = (
    *("Africa/Cairo", "Africa/Casablanca", "Africa/Johannesburg", "Africa/Lagos", "Africa/Monrovia"),
    *("America/Anchorage", "America/Argentina/Buenos_Aires", "America/Bogota", "America/Caracas", "America/Chicago"),
    *("America/Denver", "America/Halifax", "America/Havana", "America/Los_Angeles", "America/Mexico_City"),
    *("America/New_York", "America/Nuuk", "America/Santiago", "America/Sao_Paulo", "America/St_Johns"),
    *("Asia/Amman", "Asia/Dhaka", "Asia/Gaza", "Asia/Hong_Kong", "Asia/Jerusalem", "Asia/Kathmandu"),
    *("Asia/Kolkata", "Asia/Pyongyang", "Asia/Singapore", "Asia/Tehran", "Asia/Tokyo", "Asia/Yangon"),
    *("Atlantic/Azores", "Australia/Adelaide", "Australia/Eucla", "Australia/Lord_Howe", "Australia/Sydney"),
    *("Europe/Berlin", "Europe/Dublin", "Europe/Istanbul", "Europe/London", "Europe/Moscow"),
    *("Pacific/Apia", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Marquesas", "UTC"),
)
