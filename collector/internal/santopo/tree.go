package santopo

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// TreeOptions are the options of WriteTree.
type TreeOptions struct {
	Color bool // with the escape sequences of terminals
	ASCII bool // without box-drawing characters
}

// WriteJSON writes the topology as JSON.
func (t *Topology) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(t)
}

// WriteTree writes the topology as a tree for a terminal: the ports with their
// fabrics and targets, then the LUNs with their paths and file systems. A state
// that is not good is a word too, and not only a color.
func (t *Topology) WriteTree(w io.Writer, hostname string, o TreeOptions) error {
	out := bufio.NewWriter(w)
	p := &treePrinter{out: out, options: o}
	fmt.Fprintf(out, "%s: %s\n", p.bold("SAN of "+metric.Printable(hostname)), p.paint(t.Health, strings.Join(append([]string{string(t.Health)}, t.Summary...), ", ")))
	for _, problem := range t.Problems {
		fmt.Fprintln(out, p.paint(Degraded, problem))
	}
	if len(t.Ports) > 0 {
		fmt.Fprintf(out, "\n%s\n", p.bold("Ports"))
		for _, port := range t.Ports {
			p.print(t.portBranch(port), "", "", "")
		}
	}
	if groups := t.Groups(); len(groups) > 0 {
		fmt.Fprintf(out, "\n%s\n", p.bold("LUNs"))
		for _, g := range groups {
			p.print(t.groupBranch(g), "", "", "")
		}
	}
	return out.Flush()
}

// A branch is a line of the tree with those below it.
type branch struct {
	text     string
	health   Health
	state    string // at the end of the line
	branches []branch
}

func words(parts ...string) string {
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

func (t *Topology) portBranch(port *Port) branch {
	b := branch{text: words(port.ID, port.Transport, port.Driver, port.Model, port.PCIAddress, port.Address, port.Width()), health: port.Health, state: port.State}
	var targets []branch
	for _, l := range t.SharedLinks() {
		if l.Port == port.ID {
			targets = append(targets, branch{text: l.Target, health: l.Health, state: l.State})
		}
	}
	if port.Fabric != "" {
		targets = []branch{{text: port.Login(), health: OK, branches: targets}}
	}
	b.branches = targets
	return b
}

// Width returns the number of lanes of a SAS port, as a text.
func (p *Port) Width() string {
	if p.Lanes == 0 {
		return ""
	}
	return plural(p.Lanes, "lane")
}

// Login returns the fabric and the port of the switch that a port is logged in to.
func (p *Port) Login() string {
	if p.Fabric == "" {
		return ""
	}
	s := "fabric " + p.Fabric
	if p.Switch != "" {
		s += ", switch " + p.Switch
	}
	if p.SwitchPort != "" {
		s += " port " + p.SwitchPort
	}
	return s
}

// maxNames is the maximum number of names that stand for a group.
const maxNames = 4

// names returns the names of a group, in short.
func (g *Group) names() string {
	first, last := g.LUNs[0].ID, g.LUNs[len(g.LUNs)-1].ID
	if len(g.LUNs) == 1 {
		return first
	}
	return fmt.Sprintf("%s … %s", first, last)
}

// usableText returns how many paths of a LUN are usable.
func (l *LUN) usableText() string {
	if l.Kind == KindDisk {
		return string(l.Health)
	}
	return fmt.Sprintf("%d of %s usable", l.Usable, plural(l.Total, "path"))
}

// status returns usableText, and what all usable paths share.
func (l *LUN) status() string {
	s := l.usableText()
	if l.Kind != KindDisk && len(l.SinglePoints) > 0 && l.Usable > 1 {
		s += ", only one " + strings.ReplaceAll(strings.Join(l.SinglePoints, ", "), "_", " ")
	}
	return s
}

// text returns the names of a LUN.
func (l *LUN) text() string {
	if l.Device == l.ID {
		return words(l.ID, l.WWID, l.Product)
	}
	return words(l.ID, l.Device, l.WWID, l.Product)
}

// Way returns the ports that a path leads over.
func (p *Path) Way() string {
	if p.Target == "" {
		return p.Port
	}
	return words(p.Port, "→", p.Target)
}

func (t *Topology) groupBranch(g *Group) branch {
	l := g.First()
	b := branch{text: l.text(), health: l.Health, state: l.status()}
	if len(g.LUNs) > 1 {
		b.text = fmt.Sprintf("%s (%s): %s", plural(len(g.LUNs), "LUN"), l.Kind, g.names())
		b.state = "each " + b.state
	}
	for i, p := range l.Paths {
		device := p.Device
		if n := len(g.LUNs); n > 1 {
			device = fmt.Sprintf("%s … %s", p.Device, g.LUNs[n-1].Paths[i].Device)
		}
		b.branches = append(b.branches, branch{text: words(device, g.Way(i)), health: healthOfPath(p.Health), state: p.Health})
	}
	if n := len(g.Mounts); n > maxNames {
		b.branches = append(b.branches, branch{text: fmt.Sprintf("%s on it: %s … %s", plural(n, "file system"), g.Mounts[0], g.Mounts[n-1]), health: OK})
	} else {
		for _, m := range g.Mounts {
			b.branches = append(b.branches, branch{text: "on it: " + m, health: OK})
		}
	}
	return b
}

// A treePrinter prints branches.
type treePrinter struct {
	out     *bufio.Writer
	options TreeOptions
}

func (p *treePrinter) print(b branch, indent, fork, below string) {
	text := b.text
	state := b.state
	if b.health != OK && b.health != Unknown && state != string(b.health) {
		state = strings.TrimPrefix(strings.ToUpper(string(b.health))+", "+state, ", ")
		state = strings.TrimSuffix(state, ", ")
	}
	if p.options.ASCII {
		text = ascii.Replace(text)
		fork = ascii.Replace(fork)
	}
	fmt.Fprintf(p.out, "%s%s%s", indent, fork, text)
	if state != "" {
		if p.options.Color {
			state = p.paint(b.health, state)
		}
		pad := 64 - utf8.RuneCountInString(indent+fork+text)
		fmt.Fprintf(p.out, "%*s  %s", max(pad, 0), "", state)
	}
	_ = p.out.WriteByte('\n')
	indent += below
	for i, child := range b.branches {
		if i == len(b.branches)-1 {
			p.print(child, indent, "└─ ", "   ")
		} else {
			p.print(child, indent, "├─ ", p.bar())
		}
	}
}

func (p *treePrinter) bar() string {
	if p.options.ASCII {
		return "|  "
	}
	return "│  "
}

var ascii = strings.NewReplacer("└─", "`-", "├─", "|-", "→", "->", "…", "...")

func (p *treePrinter) bold(s string) string {
	if p.options.Color {
		return "\x1b[1m" + s + "\x1b[0m"
	}
	return s
}

// paint colors a text by a state. The colors are those that every terminal has.
func (p *treePrinter) paint(h Health, s string) string {
	if !p.options.Color {
		return s
	}
	switch h {
	case OK:
		return "\x1b[32m" + s + "\x1b[0m"
	case Degraded:
		return "\x1b[33m" + s + "\x1b[0m"
	case Lost:
		return "\x1b[1;31m" + s + "\x1b[0m"
	}
	return s
}
