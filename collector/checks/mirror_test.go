package checks

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"github.com/hostexporter/host_exporter/collector/checks/internal/scheduler"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// newMirrorBench returns a bench whose collector reads a mirror of the checks of another
// bench, and a function that passes the changes on. It returns how many there were.
func newMirrorBench(t *testing.T, original *checkBench) (b *checkBench, pass func() int) {
	t.Helper()
	mirror := NewMirror(original.CountDrops)
	checks := mirror.Checks()
	unit, err := collect.NewUnit(checks.Specs()[0], host.Live(host.Paths{}), log.NewNopLogger(), func(string) bool { return false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	feed := original.NewFeed()
	return &checkBench{Checks: checks, t: t, unit: unit}, func() int {
		n := 0
		err := feed.Updates(func(update []byte) error {
			n++
			if len(update) > MaxUpdate {
				t.Errorf("an update of %d bytes", len(update))
			}
			return mirror.Update(update)
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

// TestMirror compares what a mirror exports with what the original does, while checks
// run, fail, expire, change and go.
func TestMirror(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		original := newCheckBench(t, twoChecks)
		mirror, pass := newMirrorBench(t, original)
		compare := func(what string) {
			t.Helper()
			pass()
			want, _ := original.scrape("host_check", "job_")
			have, status := mirror.scrape("host_check", "job_")
			if have != want || status.Err != nil {
				t.Errorf("%s: have\n%swant\n%s%v", what, have, want, status.Err)
			}
			a, b := original.Status(), mirror.Status()
			for i := range a {
				if i >= len(b) || a[i].Definition.Name != b[i].Definition.Name || !a[i].Next.Equal(b[i].Next) || a[i].Running != b[i].Running ||
					errorText(a[i].LastOutcome.Err) != errorText(b[i].LastOutcome.Err) {
					t.Errorf("%s: have %+v, want %+v", what, b, a)
				}
			}
		}
		compare("before the first run")
		original.setOutput("a", "# TYPE job_x gauge\njob_x 1\n# TYPE job_h histogram\njob_h_bucket{le=\"1\"} 2\njob_h_bucket{le=\"+Inf\"} 3\njob_h_sum 4\njob_h_count 3\n")
		compare("one of them succeeds")
		original.setOutput("b", "# TYPE job_x gauge\njob_x{of=\"b\"} NaN\n")
		compare("both succeed")
		if n := pass(); n != 0 {
			t.Errorf("%d updates without a change", n)
		}
		original.setOutput("b", "")
		compare("one fails")
		<-time.After(time.Minute)
		compare("its values expire")
		original.setOutput("b", "# TYPE job_x gauge\njob_x{of=\"b\"} 5\n")
		compare("it recovers")
		if err := original.Apply([]Definition{original.Status()[1].Definition}); err != nil {
			t.Fatal(err)
		}
		compare("one is removed")
		if err := original.Apply(nil); err != nil {
			t.Fatal(err)
		}
		compare("all are removed")
	})
}

// TestMirrorExpires has values expire in the mirror of a process that is silent.
func TestMirrorExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		original := newCheckBench(t, twoChecks)
		mirror, pass := newMirrorBench(t, original)
		original.setOutput("b", "# TYPE job_x gauge\njob_x 1\n")
		pass()
		mirror.want("published", "# TYPE job_x gauge\njob_x 1\n", "", "job_")
		<-time.After(2 * time.Minute)
		mirror.want("expired", "", "", "job_")
	})
}

// TestMirrorCountsDrops counts a conflict in the original.
func TestMirrorCountsDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		original := newCheckBench(t, twoChecks)
		mirror, pass := newMirrorBench(t, original)
		original.output["a"] = "# TYPE job_x gauge\njob_x 1\n"
		original.setOutput("b", "# TYPE job_x gauge\njob_x 2\n")
		pass()
		mirror.scrape("job_")
		pass()
		mirror.want("a conflict", "host_check_samples_dropped_total{check=\"b\",reason=\"conflict\"} 1\n", "check b: job_x is already in a: dropped", "dropped_total{")
	})
}

// TestUpdateHasNoSecrets: the environment of a check stays where it runs.
func TestUpdateHasNoSecrets(t *testing.T) {
	s := scheduler.State{LastOutcome: scheduler.Outcome{Err: errors.New("an error")}}
	s.Definition.Name, s.Definition.Env = "a", map[string]string{"PASSWORD": "hunter2"}
	b, err := encodeState(&s, true)
	if err != nil || bytes.Contains(b, []byte("hunter2")) || !bytes.Contains(b, []byte("an error")) {
		t.Errorf("%s, %v", b, err)
	}
}

// TestMirrorStartsNothing: a mirror runs no command.
func TestMirrorStartsNothing(t *testing.T) {
	c := NewMirror(nil).Checks()
	if err := c.Apply([]Definition{{Name: "a", Command: []string{"/bin/true"}}}); err != nil {
		t.Fatal(err)
	}
	c.Start()
	if r := c.RunOnce(t.Context(), Definition{Name: "a", Command: []string{"/bin/true"}}); r.Reason != "spawn" || len(c.Status()) != 0 {
		t.Errorf("%+v", r)
	}
}

func FuzzMirrorUpdate(f *testing.F) {
	s := scheduler.State{}
	s.Definition.Name = "a"
	b, err := encodeState(&s, false)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("{\"Name\":\"a\",\"Publishes\":true,\"FamiliesHaveChanged\":true}\n\x05\x0a\x03abc"))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := NewMirror(func(string, string, int) {})
		_ = m.Update(b) // an error, or not
		_ = m.Update(b)
		if n := len(m.States(nil)); n > 1 {
			t.Errorf("%d states", n)
		}
		m.Checks().Status()
	})
}

// FuzzParsed decodes what a supervisor, which runs with the output of a check, may send.
// What is accepted is encoded and decoded again.
func FuzzParsed(f *testing.F) {
	f.Add(parseOutput([]byte(`{"Output":{"Format":"prometheus"},"StdoutLimit":1000,"Labels":{"b":"c"}}`), []byte("# TYPE a gauge\na 1\na{d=\"e\"} 2\nb{\n")))
	f.Add([]byte("{\"Err\":\"no\",\"Drops\":[{\"Reason\":\"x\",\"N\":18446744073709551615}]}\n"))
	f.Add([]byte("{}\n\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, families, err := decodeParsed(b, 100)
		if err != nil {
			return
		}
		text, err := encodeParsed(p, families)
		if err != nil {
			t.Fatal(err)
		}
		again, same, err := decodeParsed(text, 100)
		if err != nil || !reflect.DeepEqual(again, p) && len(p.Drops)+len(p.Problems) > 0 || !slices.EqualFunc(families, same, func(a, b *dto.MetricFamily) bool { return proto.Equal(a, b) }) {
			t.Errorf("%q: %v: have %+v %v, then %+v %v", b, err, p, families, again, same)
		}
	})
}

// TestDecodeFamilies rejects what no supervisor sends.
func TestDecodeFamilies(t *testing.T) {
	good, err := appendFamilies(nil, parseFamilies(t, "# TYPE a gauge\na 1\na{b=\"c\"} 2\n"))
	if err != nil {
		t.Fatal(err)
	}
	if families, err := decodeFamilies(good, 2); err != nil || len(families) != 1 || !reflect.DeepEqual(families[0].GetName(), "a") {
		t.Errorf("%v, %v", families, err)
	}
	for name, tc := range map[string]struct {
		b      []byte
		series int
	}{
		"too many series": {good, 1},
		"incomplete":      {good[:len(good)-1], 2},
		"without a name":  {[]byte{0}, 2},
		"a large length":  {[]byte("\xff\xff\xff\xff\x7f"), 2},
		"too long":        {bytes.Repeat([]byte(strings.Repeat("a", 1<<10)), maxFamilyBytes>>10+1), 2},
	} {
		if families, err := decodeFamilies(tc.b, tc.series); err == nil || families != nil {
			t.Errorf("%s: %v, %v", name, families, err)
		}
	}
}
