package compare

import (
	"strings"
	"testing"
)

const (
	ours = `# TYPE a gauge
a{x="1"} 1
# TYPE b counter
b 5
# TYPE c gauge
c{x="1",y=""} 1
c{x="2"} 1e9
# TYPE only_ours gauge
only_ours 1
`
	peer = `# TYPE a gauge
a{x="1",y="2"} 1
# TYPE b gauge
b 5
# TYPE c gauge
c{x="1"} 1
c{x="2"} 2e9
c{x="3"} 2
# TYPE only_peers counter
only_peers 1
`
)

func parse(t *testing.T, text string) Exposition {
	t.Helper()
	e, err := Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestDiff(t *testing.T) {
	var got []string
	for _, d := range Diff(parse(t, ours), parse(t, peer), true) {
		got = append(got, string(d.Kind)+" "+d.Family+" "+d.Detail)
	}
	want := []string{
		`extra only_ours gauge with 1 series`,
		`labels a we have {x}, the peer {x,y}`,
		`missing only_peers counter with 1 series`,
		`series c {x="3"} is only the peer's`,
		`type b we have counter, the peer gauge`,
		`value c {x="2"} is 1e+09, the peer's 2e+09`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("differences:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if d := Diff(parse(t, ours), parse(t, ours), true); len(d) != 0 {
		t.Errorf("an exposition differs from itself: %v", d)
	}
}

func TestKnownDifferences(t *testing.T) {
	k, err := ParseKnown(strings.NewReader("# comment\n\nextra\tonly_.*\tours\twe have more\nmissing\tonly_peers\tpeer\tgone\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(k) != 2 || k[0].Cause != FromOurs || k[0].Reason != "we have more" || k[1].Cause != FromPeer {
		t.Errorf("have %+v", k)
	}
	unknown := k.FilterOut(Diff(parse(t, ours), parse(t, peer), false))
	if len(unknown) != 2 || unknown[0].Family != "a" || unknown[1].Family != "b" {
		t.Errorf("have %v, want those of a and b", unknown)
	}
	for _, bad := range []string{"extra\tx\n", "extra\tx\treason\n", "extra\t(\tours\treason\n", "extra\tx\tours\t\n", "extra\tx\tours: reason\n", "extra\tx\tus\treason\n", "more\tx\tours\treason\n"} {
		if _, err := ParseKnown(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
