package dmtable

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseStatus(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want Status
	}{
		"round-robin": {
			"2 0 0 0 2 1 A 0 2 0 8:16 A 0 8:32 F 7 E 0 1 0 8:48 A 2 ",
			Status{false, []Group{
				{Active, []Path{{"8:16", false, 0}, {"8:32", true, 7}}},
				{Enabled, []Path{{"8:48", false, 2}}},
			}},
		},
		"service-time": {
			"2 0 0 0 2 1 A 0 1 2 8:16 A 0 4096 1 D 0 1 2 65:32 A 4294967295 0 1 ",
			Status{false, []Group{{Active, []Path{{"8:16", false, 0}}}, {Disabled, []Path{{"65:32", false, 4294967295}}}}},
		},
		"queue-length": {
			"2 1 0 0 1 1 E 0 2 1 8:16 F 1 3 8:32 F 1 0 ",
			Status{true, []Group{{Enabled, []Path{{"8:16", true, 1}, {"8:32", true, 1}}}}},
		},
		"historical-service-time, with arguments of the group": {
			"2 0 1 0 1 1 A 2 10 1 2 3 8:16 A 0 0 0 123 253:7 F 2 1 4 0 ",
			Status{false, []Group{{Active, []Path{{"8:16", false, 0}, {"253:7", true, 2}}}}},
		},
		"io-affinity":        {"2 0 0 0 1 1 A 0 1 1 259:3 A 0 2 ", Status{false, []Group{{Active, []Path{{"259:3", false, 0}}}}}},
		"no groups":          {"2 1 0 0 0 0 ", Status{true, nil}},
		"a group of no path": {"2 0 0 0 1 1 E 0 0 0 ", Status{false, []Group{{Enabled, nil}}}},
		"handler arguments":  {"2 0 0 2 emc 1 1 1 E 0 1 0 8:0 A 0", Status{false, []Group{{Enabled, []Path{{"8:0", false, 0}}}}}},
		"no features":        {"0 0 0 0", Status{}},
		"one more feature":   {"3 1 0 9 0 0 0 ", Status{QueueingIO: true}},
	} {
		have, err := ParseStatus(c.text)
		if err != nil || !reflect.DeepEqual(have, c.want) {
			t.Errorf("%s: have %+v, %v, want %+v", name, have, err, c.want)
		}
	}
}

func TestBrokenStatus(t *testing.T) {
	for text, want := range map[string]string{
		"":                             `word 1: want a number of features, have ""`,
		"two 0 0 0 0 0":                `word 1: want a number of features, have "two"`,
		"-1":                           `word 1: want a number of features, have "-1"`,
		"2 0":                          `word 3: want a feature, have ""`,
		"2 yes 0 0 0 0":                `word 2: want 0 or 1 for whether I/O is queued, have "yes"`,
		"2 0 0 0 99999 1":              `word 5: want a number of groups, have "99999"`,
		"2 0 0 0 1 1 X 0 0 0":          `word 7: want A, E or D for the state of a group, have "X"`,
		"2 0 0 0 1 1 A 0 1 0 sda A 0":  `word 11: want a device such as 8:16, have "sda"`,
		"2 0 0 0 1 1 A 0 1 0 8:+1 A 0": `word 11: want a device such as 8:16, have "8:+1"`,
		"2 0 0 0 1 1 A 0 1 0 8:16 D 0": `word 12: want A or F for the state of a path, have "D"`,
		"2 0 0 0 1 1 A 0 1 0 8:16 A -": `word 13: want how often a path failed, have "-"`,
		"2 0 0 0 1 1 A 0 1 2 8:16 A 0": `word 14: want a path argument, have ""`,
		"2 0 0 0 2 1 A 0 1 0 8:16 A 0": `word 14: want the state of a group, have ""`,
		"2 0 0 0 0 0 A 0 1 0":          `word 7: want the end, have "A 0 1 0"`,
		"2 0 0 0 1 1 A 0 1 0 8:16 A 0 1 " + strings.Repeat("9", 90): `word 14: want the end, have "1 ` + strings.Repeat("9", 78) + `"`,
	} {
		if _, err := ParseStatus(text); err == nil || err.Error() != want {
			t.Errorf("%q: have %v, want %s", text, err, want)
		}
	}
}

func TestQueuesIfNoPath(t *testing.T) {
	for text, want := range map[string]bool{
		"1 queue_if_no_path 1 alua 2 1 service-time 0 1 2 8:16 1 1 service-time 0 1 2 8:32 1 1": true,
		"0 1 alua 1 1 round-robin 0 2 1 8:16 1 8:32 1":                                          false,
		"3 queue_if_no_path pg_init_retries 50 0 1 1 historical-service-time 2 10 1 1 1 8:16 1": true,
		"5 retain_attached_hw_handler queue_if_no_path pg_init_delay_msecs 5 bypass 0 1 1":      true,
		"3 retain_attached_hw_handler queue_mode bio 3 emc 1 0 1 1 queue-length 0 1 1 8:16 1 ":  false,
		"0 0 0 0":                   false,
		"1 queue_if_no_path 0 0 0 ": true,
	} {
		if have, err := QueuesIfNoPath(text); err != nil || have != want {
			t.Errorf("%q: have %v, %v, want %v", text, have, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                     `word 1: want a number of features, have ""`,
		"queue_if_no_path":     `word 1: want a number of features, have "queue_if_no_path"`,
		"2 queue_if_no_path":   `word 3: want a feature, have ""`,
		"1 queue_if_no_path x": `word 3: want a number of handler words, have "x"`,
		"0 1 alua many":        `word 4: want a number of groups, have "many"`,
	} {
		if have, err := QueuesIfNoPath(text); have || err == nil || err.Error() != want {
			t.Errorf("%q: have %v, %v, want %s", text, have, err, want)
		}
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add("2 0 0 0 2 1 A 0 2 0 8:16 A 0 8:32 F 7 E 0 1 0 8:48 A 2 ")
	f.Add("2 0 1 0 1 1 A 2 10 1 2 3 8:16 A 0 0 0 123 253:7 F 2 1 4 0 ")
	f.Add("1 queue_if_no_path 1 alua 2 1 service-time 0 1 2 8:16 1 1")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseStatus(text)
		paths := 0
		for _, g := range s.Groups {
			_ = g.State.String()
			for _, p := range g.Paths {
				if paths++; !strings.Contains(text, p.Dev) || !strings.Contains(p.Dev, ":") {
					t.Errorf("%q: a path %+v, %v", text, p, err)
				}
			}
		}
		if n := len(strings.Fields(text)); 3*paths > n {
			t.Errorf("%d paths of %d words", paths, n)
		}
		if queues, _ := QueuesIfNoPath(text); queues && !strings.Contains(text, "queue_if_no_path") {
			t.Errorf("%q queues", text)
		}
	})
}
