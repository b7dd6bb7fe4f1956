package schedule

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the host that runs the tests may have no time zones
)

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func parseTime(t testing.TB, text string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newCron(t testing.TB, expr string, l *time.Location) Schedule {
	t.Helper()
	s, err := ParseCron(expr, l)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkSlots checks the slots after a time; the empty string is none.
func checkSlots(t *testing.T, zone, expr, after string, want ...string) {
	t.Helper()
	s, now := newCron(t, expr, location(t, zone)), parseTime(t, after)
	for _, w := range want {
		next, have := s.Next(now), ""
		if !next.IsZero() {
			have = next.Format(time.RFC3339)
		}
		if have != w {
			t.Errorf("%s in %s after %s: have %q, want %q", expr, zone, now, have, w)
			return
		}
		now = next
	}
}

func TestCronUTC(t *testing.T) {
	// 22 November 2026 is a Sunday.
	const sunday = "2026-11-22T12:34:56Z"
	for _, c := range []struct {
		expr string
		want []string
	}{
		{"* * * * *", []string{"2026-11-22T12:35:00Z", "2026-11-22T12:36:00Z"}},
		{"*/20 * * * *", []string{"2026-11-22T12:40:00Z", "2026-11-22T13:00:00Z", "2026-11-22T13:20:00Z"}},
		{"17 3 * * 1-5", []string{"2026-11-23T03:17:00Z", "2026-11-24T03:17:00Z", "2026-11-25T03:17:00Z", "2026-11-26T03:17:00Z", "2026-11-27T03:17:00Z", "2026-11-30T03:17:00Z"}},
		{"0 0 * * 7", []string{"2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"}},
		{"0 0 * * SUN", []string{"2026-11-29T00:00:00Z"}},
		{"0 12 * * 5-7", []string{"2026-11-27T12:00:00Z", "2026-11-28T12:00:00Z", "2026-11-29T12:00:00Z", "2026-12-04T12:00:00Z"}},
		{"5 4 1,15 * *", []string{"2026-12-01T04:05:00Z", "2026-12-15T04:05:00Z", "2027-01-01T04:05:00Z"}},
		{"0 0 31 * *", []string{"2026-12-31T00:00:00Z", "2027-01-31T00:00:00Z", "2027-03-31T00:00:00Z"}},
		{"0 0 29 2 *", []string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
		{"30 6 1 jan,jul *", []string{"2027-01-01T06:30:00Z", "2027-07-01T06:30:00Z"}},
		// Both days restricted: either is enough. The 27th is a Friday, the 13th a Sunday.
		{"0 0 13 * 5", []string{"2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z", "2026-12-11T00:00:00Z", "2026-12-13T00:00:00Z", "2026-12-18T00:00:00Z"}},
		// A star with a step is not a restriction, so both have to match: odd days that are Mondays.
		{"0 0 */2 * 1", []string{"2026-11-23T00:00:00Z", "2026-12-07T00:00:00Z", "2026-12-21T00:00:00Z"}},
		{"5-20/5,50 22 * * *", []string{"2026-11-22T22:05:00Z", "2026-11-22T22:10:00Z", "2026-11-22T22:15:00Z", "2026-11-22T22:20:00Z", "2026-11-22T22:50:00Z", "2026-11-23T22:05:00Z"}},
		{"@hourly", []string{"2026-11-22T13:00:00Z", "2026-11-22T14:00:00Z"}},
		{"@daily", []string{"2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"}},
		{"@midnight", []string{"2026-11-23T00:00:00Z"}},
		{"@weekly", []string{"2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z"}},
		{"@Monthly", []string{"2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"}},
		{"@yearly", []string{"2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"}},
		{"@annually", []string{"2027-01-01T00:00:00Z"}},
		{"@reboot", []string{""}},
		{" */90  0-1 * * * ", []string{"2026-11-23T00:00:00Z", "2026-11-23T01:00:00Z", "2026-11-24T00:00:00Z"}},
	} {
		checkSlots(t, "UTC", c.expr, sunday, c.want...)
	}
	checkSlots(t, "UTC", "0 0 29 2 */7", "2097-01-01T00:00:00Z", "2128-02-29T00:00:00Z") // 2104, 2108 ... 2124 are other days
}

// In Berlin the clock goes from 2:00 to 3:00 on 29 March 2026 at 01:00 UTC,
// and from 3:00 back to 2:00 on 25 October at 01:00 UTC.
func TestCronBerlin(t *testing.T) {
	const zone = "Europe/Berlin"
	// Skipped: one slot, at the change.
	checkSlots(t, zone, "30 2 * * *", "2026-03-28T12:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00")
	checkSlots(t, zone, "0,30 2 * * *", "2026-03-28T12:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00")
	checkSlots(t, zone, "30 2 * * 0", "2026-03-29T01:59:59+01:00", "2026-03-29T03:00:00+02:00", "2026-04-05T02:30:00+02:00")
	checkSlots(t, zone, "0 3 * * *", "2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T03:00:00+02:00")
	checkSlots(t, zone, "30 2,3 * * *", "2026-03-29T00:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00")
	// Wildcard: as the wall clock.
	checkSlots(t, zone, "30 * * * *", "2026-03-29T00:45:00+01:00", "2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00")
	checkSlots(t, zone, "*/30 2 * * *", "2026-03-29T00:00:00+01:00", "2026-03-30T02:00:00+02:00")
	checkSlots(t, zone, "@hourly", "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00")
	// Repeated: the first time only.
	checkSlots(t, zone, "30 2 * * *", "2026-10-24T12:00:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00")
	checkSlots(t, zone, "0 2 * * *", "2026-10-25T02:30:00+02:00", "2026-10-26T02:00:00+01:00")
	checkSlots(t, zone, "0 2 * * *", "2026-10-25T02:30:00+01:00", "2026-10-26T02:00:00+01:00")
	checkSlots(t, zone, "0 3 * * *", "2026-10-25T02:30:00+02:00", "2026-10-25T03:00:00+01:00", "2026-10-26T03:00:00+01:00")
	// Repeated wildcard: both times.
	checkSlots(t, zone, "30 * * * *", "2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00")
	checkSlots(t, zone, "@hourly", "2026-10-25T01:30:00+02:00", "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00")
}

// In New York it is 8 March, 2:00 EST, and 1 November, 2:00 EDT.
func TestCronNewYork(t *testing.T) {
	const zone = "America/New_York"
	checkSlots(t, zone, "15 2 * * *", "2026-03-07T12:00:00-05:00", "2026-03-08T03:00:00-04:00", "2026-03-09T02:15:00-04:00")
	checkSlots(t, zone, "15 1 * * *", "2026-10-31T12:00:00-04:00", "2026-11-01T01:15:00-04:00", "2026-11-02T01:15:00-05:00")
	checkSlots(t, zone, "15 1 1 11 *", "2026-11-01T01:30:00-04:00", "2027-11-01T01:15:00-04:00")
	checkSlots(t, zone, "*/45 1 * * *", "2026-11-01T01:00:00-04:00", "2026-11-01T01:45:00-04:00", "2026-11-01T01:00:00-05:00", "2026-11-01T01:45:00-05:00", "2026-11-02T01:00:00-05:00")
}

// Samoa skipped 30 December 2011: more than three hours, nothing to catch up. Lord
// Howe changes by half an hour.
func TestCronUnusualZones(t *testing.T) {
	checkSlots(t, "Pacific/Apia", "0 12 * * *", "2011-12-29T11:00:00-10:00", "2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00")
	checkSlots(t, "Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00:00+10:30", "2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00")
	checkSlots(t, "Asia/Kathmandu", "0 6 * * *", "2026-01-01T00:00:00Z", "2026-01-01T06:00:00+05:45")
}

func TestParseCronRefuses(t *testing.T) {
	for expr, want := range map[string]string{
		"":                "want 5 fields",
		"* * * *":         "have 4",
		"* * * * * *":     "have 6",
		"60 * * * *":      `minute "60": want a number from 0 to 59, have "60"`,
		"* 24 * * *":      `hour "24": want a number from 0 to 23, have "24"`,
		"* * 0 * *":       `day of month "0": want a number from 1 to 31, have "0"`,
		"* * * 13 *":      `month "13": want a number from 1 to 12 or a name from jan to dec, have "13"`,
		"* * * * 8":       `day of week "8": want a number from 0 to 7 or a name from sun to sat, have "8"`,
		"* * * * sunday":  `day of week "sunday"`,
		"1,,2 * * * *":    `minute "1,,2": want a number from 0 to 59, have ""`,
		"5-1 * * * *":     "want a range that ascends, have 5-1",
		"* * * * fri-sun": "the Sunday that ends a week is 7",
		"5/10 * * * *":    "such as 5-59/10, have 5/10",
		"*/0 * * * *":     `want a step of at least 1, have "0"`,
		"*/ * * * *":      `want a step of at least 1, have ""`,
		"*/+5 * * * *":    `at least 1, have "+5"`,
		"-5 * * * *":      `minute "-5": want a number from 0 to 59, have ""`,
		"+5 * * * *":      `minute "+5": want a number from 0 to 59, have "+5"`,
		"1-2-3 * * * *":   `minute "1-2-3": want a number from 0 to 59, have "2-3"`,
		"0~9 * * * *":     `minute "0~9"`,
		"@fortnightly":    "want @reboot, @yearly",
		"0 0 31 2 *":      `want a day that exists, have day of month "31" in month "2"`,
		"0 0 31 4,6 *":    "want a day that exists",
		"0 0 30 feb */2":  "want a day that exists",
	} {
		s, err := ParseCron(expr, time.UTC)
		if err == nil {
			t.Errorf("%q: have %v, want an error", expr, s)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: have %q, want it to contain %q", expr, err, want)
		}
	}
	// Either day is enough, and there are Mondays in February.
	checkSlots(t, "UTC", "0 0 31 2 1", "2026-01-15T00:00:00Z", "2026-02-02T00:00:00Z")
	// The search of an expression without slots ends.
	never := &cronSchedule{minutes: 1, hours: 1, days: 1 << 31, months: 1 << 2, weekdays: 0x7f, location: location(t, "Europe/Berlin")}
	if next := never.Next(parseTime(t, "2026-01-01T00:00:00Z")); !next.IsZero() {
		t.Errorf("31 February: have %v, want none", next)
	}
}

func TestPeriod(t *testing.T) {
	from := parseTime(t, "2026-11-22T12:34:56Z")
	for expr, want := range map[string]time.Duration{
		"* * * * *":      time.Minute,
		"*/5 * * * *":    5 * time.Minute,
		"*/7 * * * *":    7 * time.Minute,
		"@hourly":        time.Hour,
		"0 9-17 * * *":   16 * time.Hour,
		"0 9-17 * * 1-5": 64 * time.Hour, // Friday 17:00 to Monday 9:00
		"@daily":         24 * time.Hour,
		"17 3 * * 1-5":   72 * time.Hour,
		"@weekly":        7 * 24 * time.Hour,
		"@monthly":       31 * 24 * time.Hour,
		"0 0 31 * *":     61 * 24 * time.Hour,  // 31 May to 31 July, as two more
		"@yearly":        365 * 24 * time.Hour, // 2027 to 2028
		"0,30 0 29 2 *":  1461*24*time.Hour - 30*time.Minute,
		"@reboot":        0,
	} {
		if have := newCron(t, expr, location(t, "Europe/Berlin")).Period(from); have != want {
			t.Errorf("%s: have %v, want %v", expr, have, want)
		}
	}
	if have := NewInterval(90*time.Second, "h", "c").Period(from); have != 90*time.Second {
		t.Errorf("have %v, want the interval", have)
	}
}

func TestEvery(t *testing.T) {
	start := parseTime(t, "2026-11-22T12:00:00Z")
	// FNV-1a of nothing but the NUL between the names: (offset basis ^ 0) * prime
	// = 0xaf63bd4c8601b7df = 12638153115695167455, modulo 60e9 it is 15695167455.
	s := NewInterval(time.Hour, "", "")
	first := s.First(start)
	if have := first.Sub(start); have != 15695167455 {
		t.Errorf("jitter: have %d", have)
	}
	if have := s.Next(first); have != first.Add(time.Hour) {
		t.Errorf("have %v", have)
	}
	if have := NewInterval(time.Second, "", "").First(start).Sub(start); have != 695167455 {
		t.Errorf("jitter in a second: have %d", have)
	}
	if have := NewInterval(time.Hour, "a", "bc").First(start); have == NewInterval(time.Hour, "ab", "c").First(start) {
		t.Error("want the names of host and check hashed apart")
	}
	// 600 checks are spread over the minute.
	var parts [6]int
	for i := range 600 {
		parts[int(NewInterval(time.Hour, "host", strings.Repeat("x", i)).First(start).Sub(start)/(10*time.Second))]++
	}
	for i, n := range parts {
		if n < 60 || n > 140 {
			t.Errorf("%d of 600 checks in part %d of the minute", n, i)
		}
	}
}

func TestAdvance(t *testing.T) {
	slot := parseTime(t, "2026-11-22T12:00:00Z")
	interval := NewInterval(time.Minute, "h", "c")
	daily, wildcard := newCron(t, "0 12 * * *", time.UTC), newCron(t, "* * * * *", time.UTC)
	for _, c := range []struct {
		name   string
		s      Schedule
		now    time.Duration // after the slot
		next   time.Duration
		missed int
	}{
		{"in time", interval, time.Second, time.Minute, 0},
		{"at once", interval, 0, time.Minute, 0},
		{"on the next slot", interval, time.Minute, 2 * time.Minute, 1},
		{"three slots missed", interval, 200 * time.Second, 4 * time.Minute, 3},
		{"clock set back", interval, -time.Hour, time.Minute, 0},
		{"host suspended for a month", interval, 30*24*time.Hour + time.Second, 30*24*time.Hour + time.Minute, 10_000},
		{"cron in time", daily, time.Second, 24 * time.Hour, 0},
		{"cron on the next slot", daily, 24 * time.Hour, 48 * time.Hour, 1},
		{"cron, three slots missed", daily, 73 * time.Hour, 96 * time.Hour, 3},
		{"cron, clock set back a little", daily, -time.Minute, 24 * time.Hour, 0},
		{"cron, clock set back a week", daily, -7*24*time.Hour - time.Hour, -7 * 24 * time.Hour, 0},
		{"cron, host suspended for a month", wildcard, 30*24*time.Hour + time.Second, 30*24*time.Hour + time.Minute, 10_000},
	} {
		next, missed := Advance(c.s, slot, slot.Add(c.now))
		if next.Sub(slot) != c.next || missed != c.missed {
			t.Errorf("%s: have %v and %d missed, want %v and %d", c.name, next.Sub(slot), missed, c.next, c.missed)
		}
	}
	boot := newCron(t, "@reboot", time.UTC)
	if have := boot.First(slot); !have.Equal(slot) {
		t.Errorf("@reboot: have %v, want the start", have)
	}
	if next, missed := Advance(boot, slot, slot.Add(time.Hour)); !next.IsZero() || missed != 0 {
		t.Errorf("@reboot: have %v and %d", next, missed)
	}
}
