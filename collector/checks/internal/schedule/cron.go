package schedule

import "time"

// A cronSchedule is a cron expression: sets of minutes, hours and so on, one bit
// for each value, in a time zone.
//
// It handles clock changes as Debian's cron documents them (cron(8)). An
// expression whose minute or hour starts with a star is a wildcard: it has a slot
// whenever the wall clock shows a matching time, so twice in a repeated hour and
// never in a skipped one. Any other expression is a time of day: in a repeated
// hour it has a slot the first time only, and if its time is skipped, the slot is
// at the change. Several such slots of one skipped hour become one; cron would
// start the command several times. After a change of three hours or more there is
// nothing to catch up.
type cronSchedule struct {
	minutes, hours, days, months, weekdays uint64

	wildcard  bool
	eitherDay bool // neither field for days starts with a star: one match is enough
	location  *time.Location
}

// horizon is how far ahead a slot may be. The rarest day, a 29th of February on a
// given weekday, can be 40 years away across a century without a leap year.
const horizon = 41 * 366 * day

// Wall times are in seconds: what the wall clock shows, as a Unix time in UTC.
const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

func (c *cronSchedule) First(start time.Time) time.Time { return c.Next(start) }

// Next searches from one clock change to the next: between them the wall clock
// runs as regularly as UTC.
func (c *cronSchedule) Next(after time.Time) time.Time {
	at := after.Unix()
	for end := at + horizon; at < end; {
		zone := c.zone(at)
		from := zone.wallTime(at) - mod(zone.wallTime(at), minute) + minute
		if !c.wildcard && at < zone.start+maxChangeSeconds {
			from = max(from, zone.repeatedUntil())
		}
		limit := min(zone.end, end)
		if wall, ok := c.search(from, limit+zone.offset); ok {
			return time.Unix(wall-zone.offset, 0).In(c.location)
		}
		if limit == end {
			break
		}
		if c.dueAtChange(zone, c.zone(zone.end)) {
			return time.Unix(zone.end, 0).In(c.location)
		}
		at = zone.end
	}
	return time.Time{}
}

// dueAtChange reports whether there is a slot at a clock change: for the time that
// the clock shows then, or a time that the change skips.
func (c *cronSchedule) dueAtChange(old, new zone) bool {
	first, now := new.wallTime(old.end), new.wallTime(old.end)
	switch gap := new.offset - old.offset; {
	case c.wildcard || gap <= -maxChangeSeconds || maxChangeSeconds <= gap:
	case gap < 0:
		return false // the clock has shown this time before
	default:
		first -= gap
	}
	_, ok := c.search(first+mod(-first, minute), now+1)
	return ok
}

const maxChangeSeconds = int64(maxClockChange / time.Second)

// A zone is a span of time without a clock change.
type zone struct {
	start, end           int64 // Unix times; end is the first one after the zone
	offset, offsetBefore int64 // seconds to add to a Unix time, in the zone and before it
}

// zone returns the zone at a Unix time.
func (c *cronSchedule) zone(at int64) zone {
	t := time.Unix(at, 0).In(c.location)
	_, offset := t.Zone()
	z := zone{start: at - horizon, end: at + 2*horizon, offset: int64(offset), offsetBefore: int64(offset)}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		_, before := start.Add(-time.Second).Zone()
		z.start, z.offsetBefore = start.Unix(), int64(before)
	}
	if !end.IsZero() {
		z.end = end.Unix()
	}
	if z.end <= at {
		// After the end of its tables, ZoneBounds returns an end before the start
		// for the last day of a leap year. No clock changes on that day.
		z.end = at + day
	}
	return z
}

// wallTime returns the wall time at a Unix time.
func (z zone) wallTime(at int64) int64 { return at + z.offset }

// repeatedUntil returns the wall time up to which the clock repeats what it showed
// before the zone started.
func (z zone) repeatedUntil() int64 {
	if back := z.offsetBefore - z.offset; 0 < back && back < maxChangeSeconds {
		return z.start + z.offsetBefore
	}
	return z.start + z.offset
}

// search returns the first matching wall time from from on and before limit.
func (c *cronSchedule) search(from, limit int64) (int64, bool) {
	for from < limit {
		t := time.Unix(from, 0).UTC()
		switch {
		case !hasBit(c.months, int(t.Month())):
			from = time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC).Unix()
		case !c.matchesDay(t):
			from += day - mod(from, day)
		case !hasBit(c.hours, t.Hour()):
			from += hour - mod(from, hour)
		case !hasBit(c.minutes, t.Minute()):
			from += minute - mod(from, minute)
		default:
			return from, true
		}
	}
	return 0, false
}

// matchesDay reports whether the day matches. If both fields for days are
// restricted, one of them is enough: "0 0 13 * 5" is every 13th and every Friday.
// A field that starts with a star is not restricted, not even */2.
func (c *cronSchedule) matchesDay(t time.Time) bool {
	ofMonth, ofWeek := hasBit(c.days, t.Day()), hasBit(c.weekdays, int(t.Weekday()))
	if c.eitherDay {
		return ofMonth || ofWeek
	}
	return ofMonth && ofWeek
}

// Period searches one year ahead, or to the second slot if that is later. It
// ignores clock changes: the period of a daily slot is always 24 hours.
func (c *cronSchedule) Period(from time.Time) time.Duration {
	first, last, longest := c.slotsOfDay()
	start := c.zone(from.Unix()).wallTime(from.Unix())
	start -= mod(start, day)
	date, previous := start, int64(0)
	for found := 0; found < 2 || previous < start+366*day; found++ {
		wall, ok := c.search(date, start+2*horizon)
		if !ok {
			break
		}
		today := wall - mod(wall, day)
		if found > 0 {
			longest = max(longest, today+first-previous-last)
		}
		date, previous = today+day, today
	}
	return time.Duration(longest) * time.Second
}

// slotsOfDay returns the first and the last slot of a day, and the longest time
// between two slots, in seconds.
func (c *cronSchedule) slotsOfDay() (first, last, longest int64) {
	first = -1
	for h := range 24 {
		for m := range 60 {
			if !hasBit(c.hours, h) || !hasBit(c.minutes, m) {
				continue
			}
			now := int64(h)*hour + int64(m)*minute
			if first < 0 {
				first = now
			} else {
				longest = max(longest, now-last)
			}
			last = now
		}
	}
	return first, last, longest
}

func hasBit(set uint64, n int) bool { return set&(1<<n) != 0 }

// mod returns the non-negative remainder: times before 1970 are negative.
func mod(a, b int64) int64 { return ((a % b) + b) % b }
