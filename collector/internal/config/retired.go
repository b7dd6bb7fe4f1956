package config

import (
	"fmt"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

// A retiredCollector is a collector that node_exporter has or had, and
// host_exporter has not. Its flags are accepted, so that a command line keeps
// working, and have no effect.
type retiredCollector struct {
	name     string
	instead  string // what to use instead
	switches []string
	options  map[string]string // with their defaults
	hidden   bool
}

const noSuchSystem = "node_exporter has it for other systems than Linux only"

func retiredCollectors() []retiredCollector {
	retired := []retiredCollector{
		{name: "ntp", instead: "use the timex collector, and the check chrony of docs/checks for the offset of the time server", switches: []string{"server-is-local"},
			options: map[string]string{"server": "127.0.0.1", "server-port": "", "protocol-version": "", "ip-ttl": "", "max-distance": "", "local-offset-tolerance": ""}},
		{name: "runit", instead: "use a custom check of sv status (docs/checks.md)", options: map[string]string{"servicedir": "/etc/service"}},
		{name: "supervisord", instead: "use a custom check of supervisorctl status (docs/checks.md)", options: map[string]string{"url": "http://localhost:9001/RPC2"}},
		{name: "gmond", instead: "use the Ganglia exporter", hidden: true},
		{name: "lastlogin", instead: "use a custom check (docs/checks.md)", hidden: true},
		{name: "megacli", instead: "use the check storcli of docs/checks", hidden: true},
	}
	for _, name := range []string{"boottime", "devstat", "exec", "netisr", "thermal"} {
		retired = append(retired, retiredCollector{name: name, instead: noSuchSystem, hidden: true})
	}
	return retired
}

// retiredFlags returns the flags of collectors that host_exporter does not have.
// A warning says what to use instead of one that is enabled.
func (s *Settings) retiredFlags() []Flag {
	var flags []Flag
	for _, r := range retiredCollectors() {
		flags = append(flags, Flag{
			Name:    "collector." + r.name,
			Help:    "Has no effect: " + r.instead + ".",
			Hidden:  r.hidden,
			Switch:  true,
			Instead: r.instead,
			Set: func(v string) error {
				var enabled collect.Bool
				if err := enabled.Set(v); err != nil {
					return err
				}
				if enabled {
					s.warnings = append(s.warnings, fmt.Sprintf("--collector.%s has no effect: %s", r.name, r.instead))
				}
				return nil
			},
		})
		option := Flag{Help: "Has no effect, see --collector." + r.name + ".", Hidden: r.hidden, Instead: r.instead, Set: func(string) error { return nil }}
		for _, name := range r.switches {
			f := option
			f.Name, f.Switch = "collector."+r.name+"."+name, true
			flags = append(flags, f)
		}
		for name, value := range r.options {
			f := option
			f.Name, f.Default, f.Placeholder = "collector."+r.name+"."+name, value, "VALUE"
			flags = append(flags, f)
		}
	}
	return flags
}
