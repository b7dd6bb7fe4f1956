package schedule

import "time"

// A cronSchedule is a cron expression: the sets of minutes, hours and so on at which
// it is due, one bit each, in the time of a place.
//
// Changes of the clock are treated as Debian's cron documents it (cron(8)).
// An expression whose minute or hour starts with a star is "often": it is due
// whenever a clock on the wall shows a matching time, so twice in an hour that
// comes twice and not at all in an hour that is left out. All others are for
// a time of day: in an hour that comes twice they are due the first time only,
// and when their time is left out, they are due in the moment of the change.
// Several such slots in one hour left out become one, where cron would start
// the command several times at once. Changes of three hours and more are a new
// time, and nothing is caught up with.
type cronSchedule struct {
	minutes, hours, days, months, weekdays uint64

	wildcard  bool
	eitherDay bool // neither field of days starts with a star: one of them is enough
	location  *time.Location
}

// horizon is how far to look for a slot. The rarest day there is, a certain
// weekday of the 29th of February, can be 40 years away: a year that ends in
// 00 may have no such day.
const horizon = 41 * 366 * day

// Times of day are reckoned in seconds, as a clock on the wall shows them:
// those since 1970 had the place always been at UTC.
const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
)

func (c *cronSchedule) First(start time.Time) time.Time { return c.Next(start) }

// Next goes from one change of the clock to the following one: in between,
// a clock on the wall runs as regularly as one of UTC.
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

// dueAtChange tells whether there is a slot in the moment in which the clock
// changes: for what it shows then, and for all that it has just left out.
func (c *cronSchedule) dueAtChange(old, new zone) bool {
	first, now := new.wallTime(old.end), new.wallTime(old.end)
	switch gap := new.offset - old.offset; {
	case c.wildcard || gap <= -maxChangeSeconds || maxChangeSeconds <= gap:
	case gap < 0:
		return false // what the clock shows now, it has shown already
	default:
		first -= gap
	}
	_, ok := c.search(first+mod(-first, minute), now+1)
	return ok
}

const maxChangeSeconds = int64(maxClockChange / time.Second)

// A zone is a stretch of time without a change of the clock.
type zone struct {
	start, end           int64 // moments, end is the first one after it
	offset, offsetBefore int64 // seconds to add to a moment, and what they were before the start
}

// zone is the one at a moment.
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
		// Beyond its tables, ZoneBounds ends the last day of a leap year
		// before it began. No clock is changed on that day.
		z.end = at + day
	}
	return z
}

// wallTime is what the clock shows at a moment.
func (z zone) wallTime(at int64) int64 { return at + z.offset }

// repeatedUntil is until when the clock shows for the second time what it had
// shown already before the zone started.
func (z zone) repeatedUntil() int64 {
	if back := z.offsetBefore - z.offset; 0 < back && back < maxChangeSeconds {
		return z.start + z.offsetBefore
	}
	return z.start + z.offset
}

// search is the first time on the wall that matches, at from or later and
// before limit.
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

// matchesDay tells whether the days match. It is cron's well-known oddity that two
// restricted fields widen each other: "0 0 13 * 5" is each 13th and each
// Friday. What starts with a star is no restriction in this sense, even */2.
func (c *cronSchedule) matchesDay(t time.Time) bool {
	ofMonth, ofWeek := hasBit(c.days, t.Day()), hasBit(c.weekdays, int(t.Weekday()))
	if c.eitherDay {
		return ofMonth || ofWeek
	}
	return ofMonth && ofWeek
}

// Period looks one year ahead, or as far as the second slot if that is more.
// It is that of a clock that is never changed: a daily slot has 24 hours, though
// twice a year it is one more or one less.
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

// slotsOfDay is the first and the last slot of a day and the longest time
// between two, in seconds.
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

// mod is the remainder that is never negative: there were times before 1970.
func mod(a, b int64) int64 { return ((a % b) + b) % b }
