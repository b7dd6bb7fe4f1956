package schedule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// nickname returns the expression that a word such as @daily stands for.
func nickname(word string) (expr string, ok bool) {
	switch strings.ToLower(word) {
	case "@yearly", "@annually":
		return "0 0 1 1 *", true
	case "@monthly":
		return "0 0 1 * *", true
	case "@weekly":
		return "0 0 * * 0", true
	case "@daily", "@midnight":
		return "0 0 * * *", true
	case "@hourly":
		return "0 * * * *", true
	}
	return "", false
}

const nicknames = "@reboot, @yearly, @annually, @monthly, @weekly, @daily, @midnight or @hourly"

// A field is one of the five of an expression.
type field struct {
	name      string
	low, high int
	names     []string // of low, low+1, ...
}

func fields() [5]field {
	return [5]field{
		{name: "minute", low: 0, high: 59},
		{name: "hour", low: 0, high: 23},
		{name: "day of month", low: 1, high: 31},
		{name: "month", low: 1, high: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
		{name: "day of week", low: 0, high: 7, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
	}
}

// ParseCron parses the five fields of crontab(5), or a nickname such as @daily, in
// a time zone; nil is that of the host. An expression without any slot, such as
// the 31st of February, is an error.
func ParseCron(expr string, location *time.Location) (Schedule, error) {
	if location == nil {
		location = time.Local
	}
	expr = strings.TrimSpace(expr)
	if strings.EqualFold(expr, "@reboot") {
		return rebootSchedule{}, nil
	}
	if strings.HasPrefix(expr, "@") {
		long, ok := nickname(expr)
		if !ok {
			return nil, fmt.Errorf("want %s, have %q", nicknames, expr)
		}
		expr = long
	}
	words := strings.Fields(expr)
	if len(words) != 5 {
		return nil, fmt.Errorf("want 5 fields (minute, hour, day of month, month, day of week), have %d in %q", len(words), expr)
	}
	var sets [5]uint64
	for i, f := range fields() {
		set, err := f.parse(words[i])
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", f.name, words[i], err)
		}
		sets[i] = set
	}
	c := &cronSchedule{
		minutes: sets[0], hours: sets[1], days: sets[2], months: sets[3], weekdays: sets[4],
		wildcard:  isStar(words[0]) || isStar(words[1]),
		eitherDay: !isStar(words[2]) && !isStar(words[4]),
		location:  location,
	}
	if hasBit(c.weekdays, 7) {
		c.weekdays |= 1
	}
	if c.neverDue() {
		return nil, fmt.Errorf("want a day that exists, have day of month %q in month %q", words[2], words[3])
	}
	return c, nil
}

// isStar reports whether a field starts with a star. To cron, such a field does not
// restrict the days, not even */2.
func isStar(word string) bool { return strings.HasPrefix(word, "*") }

// neverDue reports whether no day matches. The search covers every calendar, so it
// may start anywhere.
func (c *cronSchedule) neverDue() bool {
	_, ok := c.search(0, horizon)
	return !ok
}

func (f field) parse(word string) (set uint64, err error) {
	for part := range strings.SplitSeq(word, ",") {
		bits, err := f.parsePart(part)
		if err != nil {
			return 0, err
		}
		set |= bits
	}
	return set, nil
}

// parsePart parses an element of a list: a value, a range or a star; the latter
// two may have a step.
func (f field) parsePart(part string) (set uint64, err error) {
	span, stepText, stepped := strings.Cut(part, "/")
	low, high, single := 0, 0, false
	switch from, to, ranged := strings.Cut(span, "-"); {
	case span == "*":
		low, high = f.low, f.high
	case ranged:
		if low, err = f.parseValue(from); err != nil {
			return 0, err
		}
		if high, err = f.parseValue(to); err != nil {
			return 0, err
		}
		if low > high {
			return 0, fmt.Errorf("want a range that ascends, have %s%s", span, f.rangeHint())
		}
	default:
		single = true
		if low, err = f.parseValue(span); err != nil {
			return 0, err
		}
		high = low
	}
	step := 1
	if stepped {
		if single {
			return 0, fmt.Errorf("want a step after a range or a star, such as %d-%d/%s, have %s", low, f.high, stepText, part)
		}
		if step, err = parseDigits(stepText); err != nil || step == 0 {
			return 0, fmt.Errorf("want a step of at least 1, have %q", stepText)
		}
	}
	for i := low; i <= high; i += step {
		set |= 1 << i
	}
	return set, nil
}

// rangeHint explains how to write a range that ends on Sunday.
func (f field) rangeHint() string {
	if f.high == 7 {
		return " (the Sunday that ends a week is 7)"
	}
	return ""
}

// parseValue parses a number or a name.
func (f field) parseValue(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.low + i, nil
		}
	}
	n, err := parseDigits(text)
	if err != nil || n < f.low || n > f.high {
		return 0, fmt.Errorf("want %s, have %q", f.allowed(), text)
	}
	return n, nil
}

func (f field) allowed() string {
	s := fmt.Sprintf("a number from %d to %d", f.low, f.high)
	if len(f.names) > 0 {
		s += fmt.Sprintf(" or a name from %s to %s", f.names[0], f.names[len(f.names)-1])
	}
	return s
}

var errNumber = errors.New("not a number")

// parseDigits parses a number of up to three digits, without a sign: cron has no
// others.
func parseDigits(text string) (int, error) {
	if text == "" || len(text) > 3 || strings.Trim(text, "0123456789") != "" {
		return 0, errNumber
	}
	return strconv.Atoi(text)
}
