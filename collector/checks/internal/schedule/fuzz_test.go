package schedule

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// fieldHas reports whether a field has a value, by trying all values.
func fieldHas(word string, value int, names string) bool {
	for i, name := range strings.Fields(names) {
		word = strings.ReplaceAll(strings.ToLower(word), name, strconv.Itoa(i))
	}
	for part := range strings.SplitSeq(word, ",") {
		span, stepText, _ := strings.Cut(part, "/")
		step, _ := strconv.Atoi(stepText)
		step = max(step, 1)
		low, high := 0, 59
		if from, to, ranged := strings.Cut(span, "-"); ranged {
			low, _ = strconv.Atoi(from)
			high, _ = strconv.Atoi(to)
		} else if span != "*" {
			low, _ = strconv.Atoi(span)
			high = low
		}
		if span == "*" && names != "" && !strings.HasPrefix(names, "sun") || span == "*" && names == dayNames {
			low = 1 // months and days of the month count from one
		}
		if low <= value && value <= high && (value-low)%step == 0 {
			return true
		}
	}
	return false
}

const (
	monthNames   = "- jan feb mar apr may jun jul aug sep oct nov dec"
	dayNames     = "--"
	weekdayNames = "sun mon tue wed thu fri sat"
)

// matchesMinute reports whether a wall time matches the expression.
func matchesMinute(w []string, t time.Time) bool {
	m := strings.Replace(monthNames, "- ", "~ ", 1)
	dom := fieldHas(w[2], t.Day(), dayNames)
	dow := fieldHas(w[4], int(t.Weekday()), weekdayNames) || t.Weekday() == 0 && fieldHas(w[4], 7, weekdayNames)
	days := dom && dow
	if w[2][0] != '*' && w[4][0] != '*' {
		days = dom || dow
	}
	return fieldHas(w[0], t.Minute(), "") && fieldHas(w[1], t.Hour(), "") && fieldHas(w[3], int(t.Month()), m) && days
}

// nextByMinutes searches two days, minute by minute.
func nextByMinutes(w []string, after time.Time) (next time.Time) {
	wildcard := w[0][0] == '*' || w[1][0] == '*'
	wall := func(t time.Time) time.Time {
		_, offset := t.Zone()
		return t.Add(time.Duration(offset) * time.Second).UTC()
	}
	start := after.Truncate(time.Minute)
	for t := start.Add(time.Minute); t.Before(start.Add(48 * time.Hour)); t = t.Add(time.Minute) {
		if wildcard {
			if matchesMinute(w, wall(t)) {
				return t
			}
			continue
		}
		for skipped := wall(t.Add(-time.Minute)).Add(time.Minute); skipped.Before(wall(t)); skipped = skipped.Add(time.Minute) {
			if matchesMinute(w, skipped) {
				return t
			}
		}
		if !matchesMinute(w, wall(t)) {
			continue
		}
		seen := false
		for ago := time.Minute; ago < 3*time.Hour; ago += time.Minute {
			seen = seen || wall(t.Add(-ago)).Equal(wall(t))
		}
		if !seen {
			return t
		}
	}
	return time.Time{}
}

// FuzzCron compares Next with a search minute by minute, around the clock changes
// of three places.
func FuzzCron(f *testing.F) {
	for _, expr := range []string{"* * * * *", "30 2 * * *", "0,30 1-3 * * *", "*/20 2 * * *", "15 */2 * * 0", "0 3 29 3 1", "59 1 25-31 oct 7",
		"0 2 */2 * sun", "7 0-23/5 1,8 3,nov *", "*/7 * 29 * 7", "0 0 31 2 *", "1-2,4 1,2 * * sun-2"} {
		for _, s := range []uint32{100_000, 47 * 60 * 60} {
			f.Add(expr, s)
		}
	}
	zones := []*time.Location{location(f, "Europe/Berlin"), location(f, "America/New_York"), location(f, "Australia/Lord_Howe")}
	changes := []string{"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z", "2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z"}
	f.Fuzz(func(t *testing.T, expr string, seconds uint32) {
		if len(expr) > 100 {
			t.Skip()
		}
		for i, change := range changes {
			l := zones[i/2]
			s, err := ParseCron(expr, l)
			if err != nil || strings.HasPrefix(strings.TrimSpace(expr), "@") {
				return
			}
			after := parseTime(t, change).Add(-48 * time.Hour).Add(time.Duration(seconds%250_000) * time.Second).In(l)
			have, want := s.Next(after), nextByMinutes(strings.Fields(expr), after)
			if want.IsZero() {
				if have.Before(after.Truncate(time.Minute).Add(48 * time.Hour)) {
					t.Errorf("%q after %v: have %v, want none in two days", expr, after, have)
				}
			} else if !have.Equal(want) {
				t.Errorf("%q after %v: have %v, want %v", expr, after, have, want)
			}
			if s.Period(after) <= 0 {
				t.Errorf("%q: no period", expr)
			}
		}
	})
}

func BenchmarkNext(b *testing.B) {
	now := parseTime(b, "2026-11-22T12:34:56Z")
	for _, expr := range []string{"*/5 * * * *", "17 3 * * 1-5", "0 0 29 2 *"} {
		b.Run(expr, func(b *testing.B) {
			s := newCron(b, expr, location(b, "Europe/Berlin"))
			b.ReportAllocs()
			for b.Loop() {
				s.Next(now)
			}
		})
	}
	never := &cronSchedule{minutes: 1, hours: 1, days: 1 << 31, months: 1 << 2, weekdays: 0x7f, location: location(b, "Europe/Berlin")}
	b.Run("never", func(b *testing.B) {
		for b.Loop() {
			never.Next(now)
		}
	})
}
