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
