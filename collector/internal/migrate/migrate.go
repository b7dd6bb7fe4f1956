// Package migrate turns the arguments of node_exporter into those of
// host_exporter. It finds the arguments where hosts keep them (an environment
// file, a systemd unit, a pod's manifest, a command line), undoes the quoting of
// that place, and lists what differs. It knows nothing of what a flag does.
package migrate

import (
	"fmt"
	"slices"
	"strings"
)

// A Flag is a flag of host_exporter, as far as a migration has to know it.
type Flag struct {
	Switch     bool   // takes no value, and has a twin with "no-" before it
	ReplacedBy string // current name, for an older one that is still accepted
	Instead    string // what to use instead, for one that is accepted and has no effect
}

// Flags looks up a flag of host_exporter by its name, without dashes.
type Flags func(name string) (Flag, bool)

// An Argument is one flag of a host_exporter's command line.
type Argument struct {
	Name  string // without dashes, with "no-" for a switch that is off
	Value string // empty for a switch
	Notes []string
}

// String returns the argument as one word of a command line.
func (a Argument) String() string {
	if a.Value == "" {
		return "--" + a.Name
	}
	return "--" + a.Name + "=" + a.Value
}

// A Result is what became of the arguments of a node_exporter.
type Result struct {
	Arguments []Argument
	Unknown   []Argument // flags that host_exporter does not have, with why
	Notes     []string   // about the whole
}

// renamed are flags of node_exporter that its later releases do not accept.
var renamed = map[string]string{
	"web.config": "web.config.file",
}

// Translate returns the arguments of host_exporter that do what args do for
// node_exporter. Defaults are arguments that the package of the old exporter had
// built in: those that args do not set are added.
func Translate(args []string, defaults []Argument, flags Flags) Result {
	var r Result
	given := map[string]bool{}
	for i := 0; i < len(args); i++ {
		word := args[i]
		long, ok := strings.CutPrefix(word, "--")
		if !ok {
			r.Unknown = append(r.Unknown, unknownWord(word))
			continue
		}
		name, value, hasValue := strings.Cut(long, "=")
		name, notes := currentName(name)
		flag, off, ok := find(name, flags)
		if !ok {
			r.Unknown = append(r.Unknown, Argument{Name: name, Value: value, Notes: append(notes, "host_exporter has no such flag")})
			continue
		}
		if flag.ReplacedBy != "" {
			notes = append(notes, fmt.Sprintf("--%s is called --%s", name, flag.ReplacedBy))
			name = flag.ReplacedBy
		}
		switch {
		case flag.Switch && hasValue:
			if value == "false" && !off {
				name = "no-" + name
			}
			value = ""
		case !flag.Switch && !hasValue:
			if i++; i == len(args) {
				r.Unknown = append(r.Unknown, Argument{Name: name, Notes: append(notes, "the value is missing")})
				continue
			}
			value = args[i]
		}
		given[strings.TrimPrefix(name, "no-")] = true
		if flag.Instead != "" {
			notes = append(notes, flag.Instead)
		}
		r.Arguments = append(r.Arguments, Argument{name, value, notes})
	}
	for _, d := range defaults {
		if !given[d.Name] && !excludedBy(d.Name, given) {
			r.Arguments = append(r.Arguments, d)
		}
	}
	return r
}

// currentName returns the name that later releases have for a flag.
func currentName(name string) (string, []string) {
	if to := renamed[name]; to != "" && to != name {
		return to, []string{fmt.Sprintf("--%s is called --%s", name, to)}
	}
	return name, nil
}

// find looks up a flag; off reports whether name is that of its "no-" twin.
func find(name string, flags Flags) (flag Flag, off, ok bool) {
	if flag, ok = flags(name); ok {
		return flag, false, true
	}
	positive, isOff := strings.CutPrefix(name, "no-")
	if flag, ok = flags(positive); ok && isOff && flag.Switch {
		if flag.ReplacedBy != "" {
			flag.ReplacedBy = "no-" + flag.ReplacedBy
		}
		return flag, true, true
	}
	return Flag{}, false, false
}

// excludedBy reports whether a given include expression takes the place of an
// exclude expression that is a default.
func excludedBy(name string, given map[string]bool) bool {
	base, ok := strings.CutSuffix(name, "-exclude")
	return ok && given[base+"-include"]
}

func unknownWord(word string) Argument {
	a := Argument{Name: strings.TrimLeft(word, "-"), Notes: []string{"want a flag with two dashes"}}
	if strings.HasPrefix(word, "-collectors.enabled") {
		a.Notes = []string{"releases before 0.15 list collectors in one flag: use --collector.disable-defaults and --collector.NAME for each"}
	}
	return a
}

// Debian returns the defaults that Debian's package builds into its
// node_exporter, as arguments.
func Debian() []Argument {
	note := "a default of Debian's package"
	return []Argument{
		{"collector.filesystem.mount-points-exclude", `^/(dev|proc|run|sys|mnt|media|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)`, []string{note}},
		{"collector.netdev.device-exclude", "^lo$", []string{note}},
		{"collector.textfile.directory", "/var/lib/prometheus/node-exporter", []string{note}},
	}
}

// IsDebian reports whether the source of some arguments is Debian's package.
func (s Source) IsDebian() bool {
	return s.Variable == "ARGS" || strings.HasSuffix(s.Program, "/prometheus-node-exporter")
}

// Sorted returns the arguments sorted by name, those of the command line's own
// order first where names are equal.
func Sorted(args []Argument) []Argument {
	sorted := slices.Clone(args)
	slices.SortStableFunc(sorted, func(a, b Argument) int {
		return strings.Compare(strings.TrimPrefix(a.Name, "no-"), strings.TrimPrefix(b.Name, "no-"))
	})
	return sorted
}
