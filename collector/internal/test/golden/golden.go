package golden

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var update = flag.Bool("update", false, "write the .prom files instead of comparing with them")

// Run tests the collectors on all cases in dir, such as
// dir/diskstats.host or dir/diskstats.no-partitions.host. Of each case it
// checks that
//
//   - the text of the fast road is what the .prom file says, twice in a row,
//   - the ordinary road gives the same, through a pedantic registry,
//   - new names pass promlint,
//   - no broken variant of an input makes the collector panic, or is passed
//     over in silence.
func Run(t *testing.T, dir string, specs []collect.Spec) {
	inherited := Inherited(t)
	files, err := filepath.Glob(filepath.Join(dir, "*.host"))
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range specs {
		t.Run(spec.Name, func(t *testing.T) {
			cases := 0
			for _, file := range files {
				if name, _, _ := strings.Cut(filepath.Base(file), "."); name != spec.Name {
					continue
				}
				cases++
				t.Run(strings.TrimSuffix(filepath.Base(file), ".host"), func(t *testing.T) {
					t.Parallel()
					runCase(t, spec, file, inherited)
				})
			}
			if cases == 0 {
				t.Errorf("no case for collector %s: want %s", spec.Name, filepath.Join(dir, spec.Name+".host"))
			}
		})
	}
}

func runCase(t testing.TB, spec collect.Spec, file string, inherited map[string]Contract) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Parse(data)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if strings.TrimSpace(a.Story) == "" {
		t.Errorf("%s does not say what host it is", file)
	}
	rec, err := layOut(a, t.TempDir())
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	u := rec.unit(t, spec)
	for moment := 1; moment <= lastMoment(a); moment++ {
		golden := strings.TrimSuffix(file, ".host") + ".prom"
		if moment > 1 {
			golden = strings.TrimSuffix(file, ".host") + fmt.Sprintf("@%d.prom", moment)
			if err := rec.moment(moment); err != nil {
				t.Fatal(err)
			}
		}
		text := rec.read(t, u)
		Compare(t, golden, text)
		if again := rec.read(t, u); again != text {
			t.Errorf("a second reading of the same host differs:\n%s", diff(text, again))
		}
		rec.sameOnOrdinaryRoad(t, u, text)
		lint(t, text, inherited)
		checkContract(t, u, spec, inherited)
	}
	if lastMoment(a) == 1 {
		rec.breakInputs(t, spec, rec.read(t, u))
	}
}

// Load lays a recorded host out below root, for tests of a whole exporter.
func Load(t testing.TB, file, root string) *host.Host {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Parse(data)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	r, err := layOut(a, root)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return r.Host
}

func lastMoment(a *Archive) int {
	last := 1
	for _, e := range a.Entries {
		last = max(last, e.Moment)
	}
	return last
}

func (r *recorded) unit(t testing.TB, spec collect.Spec) *collect.Unit {
	t.Helper()
	nobody := func(string) bool { return false }
	own := *r.Host // what collectors keep for a host, a new unit has to find out anew
	u, err := collect.NewUnit(r.withTimeout(spec), &own, log.NewNopLogger(), nobody, r.options())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// read makes one reading on the fast road, and returns its text with the
// state and the error as comments behind it.
func (r *recorded) read(t testing.TB, u *collect.Unit) string {
	t.Helper()
	reading := u.Begin(metric.Text)
	result, ok := reading.Wait(context.Background(), time.Now().Add(time.Minute))
	if !ok {
		result = reading.Abandon()
	}
	var b []byte
	if result.State != collect.Timeout {
		b = bytes.ReplaceAll(u.AppendText(nil, nil), []byte(r.root), nil) // a label may hold a path
	}
	b = fmt.Appendf(b, "# state: %s\n", result.State)
	if err := u.Status().Err; err != nil && result.State != collect.Timeout {
		b = fmt.Appendf(b, errorLead+"%s\n", metric.Printable(strings.ReplaceAll(err.Error(), r.root, "")))
	}
	return string(b)
}

// errorLead is what stands before the error in what read returns.
const errorLead = "# error: "

// Compare compares a text with a golden file, or writes the file where the
// tests are run with -update.
func Compare(t testing.TB, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test with -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("%s (- want, + have; go test with -update accepts it):\n%s", file, diff(string(want), got))
	}
}

// diff lists the lines that are in one text only.
func diff(want, have string) string {
	var b strings.Builder
	a, z := strings.SplitAfter(want, "\n"), strings.SplitAfter(have, "\n")
	inA, inZ := map[string]int{}, map[string]int{}
	for _, l := range a {
		inA[l]++
	}
	for _, l := range z {
		inZ[l]++
	}
	for _, l := range a {
		if inZ[l]--; inZ[l] < 0 {
			b.WriteString("- " + l)
		}
	}
	for _, l := range z {
		if inA[l]--; inA[l] < 0 {
			b.WriteString("+ " + l)
		}
	}
	if b.Len() == 0 {
		return "the same lines in another order\n"
	}
	return b.String()
}

// sameOnOrdinaryRoad gathers the unit through a pedantic registry and compares
// with the text of the fast road.
func (r *recorded) sameOnOrdinaryRoad(t testing.TB, u *collect.Unit, text string) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	if err := reg.Register(u); err != nil {
		t.Errorf("registering: %v", err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Errorf("gathering: %v", err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	parsed, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("the text of the fast road does not parse: %v", err)
	}
	fast, ordinary := canonical(slices.Collect(maps.Values(parsed))), strings.ReplaceAll(canonical(families), r.root, "")
	if fast != ordinary {
		t.Errorf("the roads differ (- fast, + ordinary):\n%s", diff(fast, ordinary))
	}
}

// canonical writes families in one order.
func canonical(families []*dto.MetricFamily) string {
	var lines []string
	for _, f := range families {
		for _, m := range f.GetMetric() { // client_golang sorts labels, the parser does not
			slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
		}
		var b bytes.Buffer
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			return err.Error()
		}
		lines = append(lines, strings.SplitAfter(b.String(), "\n")...)
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// lint reports what promlint finds, but for names that are inherited.
func lint(t testing.TB, text string, inherited map[string]Contract) {
	t.Helper()
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Errorf("promlint: %v", err)
	}
	for _, p := range problems {
		// Everybody knows a link by its bits: 32 Gbit, not 4 gigabytes a second.
		if strings.HasSuffix(p.Metric, "_bits_per_second") && strings.Contains(p.Text, `"bits"`) {
			continue
		}
		if _, ok := inherited[p.Metric]; !ok && !InheritedKind(p.Metric) {
			t.Errorf("promlint: %s: %s", p.Metric, p.Text)
		}
	}
}
