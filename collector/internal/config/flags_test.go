package config

import (
	"slices"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

type options struct{ debounce collect.Duration }

func (o *options) Fields() []collect.Field {
	return []collect.Field{{Name: "debounce", Flag: "shared.debounce", Aliases: []string{"old.debounce"}, Value: &o.debounce}}
}

func spec(name string) collect.Spec {
	return collect.Spec{Name: name, Build: collect.With(options{}, func(*collect.Env, options) (collect.Collector, error) { return nil, nil })}
}

func TestFlagOfTwoCollectors(t *testing.T) {
	for _, name := range []string{"shared.debounce", "old.debounce"} {
		s := New()
		flags := s.Flags([]collect.Spec{spec("a"), spec("b")})
		found := 0
		for _, f := range flags {
			if f.Name != name {
				continue
			}
			found++
			if err := f.Set("soon"); err == nil {
				t.Errorf("--%s=soon is accepted", name)
			}
			if err := f.Set("3s"); err != nil {
				t.Errorf("--%s=3s: %v", name, err)
			}
		}
		if found != 1 {
			t.Errorf("%d flags called %s, want one", found, name)
		}
		for _, c := range []string{"a", "b"} {
			if got := s.Options(c)["debounce"]; !slices.Equal(got, []string{"3s"}) {
				t.Errorf("--%s: collector %s has %q", name, c, got)
			}
		}
	}
}

func TestMaxSeriesFlag(t *testing.T) {
	s, specs := New(), []collect.Spec{spec("a"), spec("b"), spec("c")}
	flags := s.Flags(specs)
	set := flags[slices.IndexFunc(flags, func(f Flag) bool { return f.Name == "collector.max-series" })].Set
	for _, v := range []string{"a=5", "100", "b=0"} {
		if err := set(v); err != nil {
			t.Errorf("%s: %v", v, err)
		}
	}
	s = s.With(&File{overrides: overrides{maxSeries: map[string]int{"": 7, "a": 8, "c": 9}}})
	for i, want := range []int{5, 0, 9} { // one of the collector precedes one of all, even a flag
		if have := s.MaxSeries(specs[i]); have != want {
			t.Errorf("%s: at most %d series, want %d", specs[i].Name, have, want)
		}
	}
	if text, err := s.Explicit(specs); err != nil || string(text) != "max-series: 100\ncollectors:\n  a:\n    max-series: 5\n  b:\n    max-series: 0\n" {
		t.Errorf("as a file:\n%s%v", text, err)
	}
	for _, v := range []string{"", "a", "a=", "-1", "1.5", "d=5", "a=1e3", "99999999999"} {
		if set(v) == nil {
			t.Errorf("%q is accepted", v)
		}
	}
}
