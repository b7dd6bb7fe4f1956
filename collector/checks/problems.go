package checks

import (
	"slices"

	"github.com/hostexporter/host_exporter/collector/checks/internal/command"
	"github.com/hostexporter/host_exporter/collector/internal/document"
)

// Problems returns why checks that are valid cannot run, or not publish, on this host
// now: a program that is missing or that others can change, a user that does not
// exist, the name of a family that a collector has. node is what the definitions were
// read from; defaultUser is the user of checks without one.
func Problems(node document.Node, definitions []Definition, defaultUser string, reserved func(name string) bool) (all document.Findings) {
	node.Each(func(name string, check document.Node) {
		i := slices.IndexFunc(definitions, func(d Definition) bool { return d.Name == name })
		if i < 0 || !definitions[i].Enabled {
			return
		}
		d, keys := definitions[i], map[string]document.Node{}
		check.Each(func(key string, n document.Node) { keys[key] = n })
		if len(d.Command) > 0 {
			at, shell := keys["shell"]
			if !shell {
				at = keys["command"]
			}
			if err := command.CheckPath(d.Command[0], d.AllowUnsafePath); err != nil {
				hint := ""
				if command.CheckPath(d.Command[0], true) == nil {
					hint = "; allow-unsafe-path: true runs it all the same, for tests only"
				}
				all = append(all, at.At("check %s: %v%s", name, err, hint))
			}
		}
		if err := command.CheckUser(d.User, ""); err != nil {
			all = append(all, keys["user"].At("check %s: %v", name, err))
		}
		if d.User == "" && command.CanChangeUsers() {
			if err := command.CheckUser(defaultUser, ""); err != nil {
				all = append(all, check.At("check %s: %v: create it (docs/service/sysusers.d/host_exporter.conf), or set user: or --checks.user", name, err))
			}
		}
		if err := command.CheckUser("", d.Group); err != nil {
			all = append(all, keys["group"].At("check %s: %v", name, err))
		}
		for family, at := range declaredFamilies(d, keys) {
			if reserved(family) {
				all = append(all, at.At("check %s: %s is the name of a family of the exporter: its series would be dropped", name, family))
			}
		}
	})
	return all
}

// declaredFamilies returns the families that a check declares, with their places.
func declaredFamilies(d Definition, keys map[string]document.Node) map[string]document.Node {
	all := map[string]document.Node{}
	for _, name := range Families(d) {
		all[name] = keys["metric"]
	}
	keys["metrics"].Items(func(item document.Node) {
		item.Each(func(key string, n document.Node) {
			if key == "name" {
				all[n.Text()] = n
			}
		})
	})
	return all
}

// Families returns the names of the families that a check declares.
func Families(d Definition) (names []string) {
	for _, m := range d.Output.Metrics {
		names = append(names, m.Name)
	}
	switch {
	case d.Output.Name == "":
	case d.Output.Format == "nagios":
		names = append(names, d.Output.Name+"_status")
	default:
		names = append(names, d.Output.Name)
	}
	return names
}
