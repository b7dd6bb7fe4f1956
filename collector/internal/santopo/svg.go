package santopo

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"slices"
	"strconv"
)

// Style is the style sheet of the picture. In a page it belongs into the style
// element, since the policy of the page may allow no other.
const Style = `.san text { font: 12px system-ui, sans-serif; fill: #1d2733; } .san .head { font-weight: 600; } .san .more { fill: #56616e; font-size: 11px; }
.san rect { fill: #f4f6f8; stroke: #8a96a3; } .san path { fill: none; stroke: #8a96a3; stroke-width: 1.5; }
.san .ok rect { stroke: #2f8f4e; } .san path.ok { stroke: #2f8f4e; } .san .degraded rect { fill: #fdf0c3; stroke: #a26c00; stroke-width: 2; } .san path.degraded { stroke: #a26c00; stroke-width: 2.5; }
.san .lost rect { fill: #fbd9d6; stroke: #b3261e; stroke-width: 2; stroke-dasharray: 5 3; } .san path.lost { stroke: #b3261e; stroke-width: 2.5; stroke-dasharray: 5 4; }
.san a:focus rect { stroke-width: 4; }
@media (prefers-color-scheme: dark) {
  .san text { fill: #dbe2ea; } .san .more { fill: #9aa7b5; } .san rect { fill: #1d242b; } .san .degraded rect { fill: #4a3a08; stroke: #e0b040; } .san path.degraded { stroke: #e0b040; }
  .san .lost rect { fill: #571c18; stroke: #ff8a80; } .san path.lost { stroke: #ff8a80; } .san .ok rect, .san path.ok { stroke: #58b878; }
}
`

// The measures of the picture in pixels.
const (
	boxHeight = 42
	rowHeight = 54
	headSpace = 28
	boxWidth  = 216
	gapWidth  = 76
	lineChars = 30 // that fit into a box
)

// maxBoxes is the maximum number of boxes in a column. The unhealthy ones come
// first; what is left out is in the table.
const maxBoxes = 100

// A box is a part of the picture.
type box struct {
	id     string
	lines  [2]string
	title  string
	href   string // in the table
	health Health
	x, y   int
}

// A column is one above another: the parts of one kind.
type column struct {
	name    string
	boxes   []*box
	omitted int
}

// A picture is the layout of a topology.
type picture struct {
	columns [5]column // ports, switches, targets, LUNs, file systems
	boxes   map[string]*box
	edges   []edge
	index   map[[2]string]int
}

type edge struct {
	from, to string
	mix
}

// The columns.
const (
	portColumn = iota
	switchColumn
	targetColumn
	lunColumn
	mountColumn
)

// AppendSVG appends the picture. A standalone one has its style sheet; one that
// is part of a page has links into the table of the page.
func (t *Topology) AppendSVG(b []byte, standalone bool) []byte {
	p := t.layout()
	width, rows := 2, 1
	for i := range p.columns {
		c := &p.columns[i]
		if len(c.boxes) == 0 {
			continue
		}
		for row, box := range c.boxes {
			box.x, box.y = width, headSpace+row*rowHeight
		}
		rows = max(rows, len(c.boxes)+min(c.omitted, 1))
		width += boxWidth + gapWidth
	}
	width = max(width-gapWidth, boxWidth) + 2
	height := headSpace + rows*rowHeight
	out := bytes.NewBuffer(b)
	fmt.Fprintf(out, `<svg class="san" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%d" role="group" aria-label="SAN: %s">`+"\n", width, height, t.Health)
	if standalone {
		fmt.Fprintf(out, "<style>\n%s</style>\n", Style)
	}
	for _, e := range p.edges {
		from, to := p.boxes[e.from], p.boxes[e.to]
		if from == nil || to == nil {
			continue
		}
		x, y, x2, y2 := from.x+boxWidth, from.y+boxHeight/2, to.x, to.y+boxHeight/2
		fmt.Fprintf(out, `<path class="%s" d="M%d %dC%d %d %d %d %d %d"/>`+"\n", e.health(), x, y, x+gapWidth/2, y, x2-gapWidth/2, y2, x2, y2)
	}
	for _, c := range p.columns {
		for i, box := range c.boxes {
			if i == 0 {
				fmt.Fprintf(out, `<text class="head" x="%d" y="16">%s</text>`+"\n", box.x, c.name)
			}
			box.write(out, standalone)
		}
		if c.omitted > 0 {
			last := c.boxes[len(c.boxes)-1]
			fmt.Fprintf(out, `<text class="more" x="%d" y="%d">and %d more</text>`+"\n", last.x, last.y+rowHeight+16, c.omitted)
		}
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

func (b *box) write(out *bytes.Buffer, standalone bool) {
	linked := !standalone && b.href != ""
	if linked {
		fmt.Fprintf(out, `<a href="#%s">`, html.EscapeString(b.href))
	}
	fmt.Fprintf(out, `<g class="%s"><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="5"/>`, b.health, html.EscapeString(b.title), b.x, b.y, boxWidth, boxHeight)
	for i, line := range b.lines {
		class := ""
		if i > 0 {
			class = ` class="more"`
		}
		fmt.Fprintf(out, `<text%s x="%d" y="%d">%s</text>`, class, b.x+8, b.y+17+i*16, html.EscapeString(shorten(line)))
	}
	out.WriteString("</g>")
	if linked {
		out.WriteString("</a>")
	}
	out.WriteByte('\n')
}

// shorten cuts a line to the width of a box: in the middle, since names of ports
// differ at their ends.
func shorten(s string) string {
	r := []rune(s)
	if len(r) <= lineChars {
		return s
	}
	const half = (lineChars - 1) / 2
	return string(r[:half]) + "…" + string(r[len(r)-half:])
}

// state returns what a box says about a part that is not in a good state.
func state(h Health, word string) string {
	if h == OK || h == Unknown || word == string(h) {
		return word
	}
	return words(string(h), word)
}

func (t *Topology) layout() *picture {
	p := &picture{boxes: map[string]*box{}, index: map[[2]string]int{}}
	p.columns[portColumn].name, p.columns[switchColumn].name, p.columns[targetColumn].name = "Ports of the host", "Fabrics", "Target ports"
	p.columns[lunColumn].name, p.columns[mountColumn].name = "LUNs", "File systems"
	switches := map[string]string{} // by port
	for i, port := range t.Ports {
		p.add(portColumn, &box{id: "p" + port.ID, lines: [2]string{words(port.ID, port.Model), words(state(port.Health, port.State), port.Address, port.Width())},
			title: words(port.ID, port.Transport, port.Driver, port.Model, port.PCIAddress, port.Address, port.State), href: PortID(i), health: port.Health})
		if port.Fabric == "" {
			continue
		}
		id := "s" + port.Fabric + "/" + port.Switch
		switches[port.ID] = id
		if p.boxes[id] == nil {
			p.add(switchColumn, &box{id: id, lines: [2]string{"fabric " + port.Fabric, switchText(port)}, title: port.Login(), href: PortID(i), health: OK})
		} else if port.SwitchPort != "" {
			p.boxes[id].lines[1] += ", " + port.SwitchPort
		}
		p.connect("p"+port.ID, id, port.Health)
	}
	for _, target := range t.Targets {
		if t.private[target.ID] {
			continue
		}
		p.add(targetColumn, &box{id: "t" + target.ID, lines: [2]string{target.Name, words(state(target.Health, ""), target.Portal)}, title: words(target.ID, string(target.Health)), health: target.Health, href: "targets"})
	}
	for _, l := range t.Links {
		from := "p" + l.Port
		if id := switches[l.Port]; id != "" {
			from = id
		}
		p.connect(from, "t"+l.Target, l.Health)
	}
	groups := t.Groups()
	groupOf := map[string]string{} // by LUN
	for i, g := range groups {
		first := g.First()
		id := "g" + strconv.Itoa(i)
		b := &box{id: id, lines: [2]string{first.ID, first.usableText()}, title: g.Title(), href: GroupID(i), health: first.Health}
		if n := len(g.LUNs); n > 1 {
			b.lines[0] = plural(n, "LUN") + ": " + g.names()
		}
		p.add(lunColumn, b)
		for _, l := range g.LUNs {
			groupOf[l.ID] = id
		}
		for _, path := range first.Paths {
			switch h := healthOfPath(path.Health); {
			case t.targetOf(path) != "":
				p.connect("t"+path.Target, id, h)
			case path.Port != "":
				p.connect(cmp.Or(switches[path.Port], "p"+path.Port), id, h)
			}
		}
	}
	p.addMounts(t.Mounts, groupOf)
	for i := range p.columns {
		p.limit(&p.columns[i])
	}
	return p
}

// PortID returns the ID in the page of a port.
func PortID(i int) string { return "port-" + strconv.Itoa(i) }

// GroupID returns the ID in the page of a group of LUNs.
func GroupID(i int) string { return "luns-" + strconv.Itoa(i) }

func switchText(p *Port) string {
	s := ""
	if p.Switch != "" {
		s = "switch " + p.Switch
	}
	if p.SwitchPort != "" {
		s = words(s, "port "+p.SwitchPort)
	}
	return s
}

// addMounts adds the file systems. Many fold by the LUNs that they are on.
func (p *picture) addMounts(mounts []*Mount, groupOf map[string]string) {
	folded := map[string]*box{}
	counts := map[string]int{}
	for i, m := range mounts {
		var on []string
		for _, l := range m.LUNs {
			if id := groupOf[l]; !slices.Contains(on, id) {
				on = append(on, id)
			}
		}
		key := strconv.Itoa(i)
		if len(mounts) > maxSingle {
			key = fmt.Sprint(m.Health, on)
		}
		counts[key]++
		if b := folded[key]; b != nil {
			b.lines = [2]string{plural(counts[key], "file system"), string(m.Health)}
			b.title = b.lines[0]
			continue
		}
		b := &box{id: "m" + key, lines: [2]string{m.Mountpoint, words(m.FSType, state(m.Health, ""))}, title: words(m.Mountpoint, m.Device, m.FSType, string(m.Health)), href: "mounts", health: m.Health}
		folded[key] = b
		p.add(mountColumn, b)
		for _, id := range on {
			p.connect(id, b.id, m.Health)
		}
	}
}

func (p *picture) add(column int, b *box) {
	p.boxes[b.id] = b
	p.columns[column].boxes = append(p.columns[column].boxes, b)
}

// connect adds an edge, or joins it with the one that there is.
func (p *picture) connect(from, to string, h Health) {
	key := [2]string{from, to}
	i, ok := p.index[key]
	if !ok {
		i = len(p.edges)
		p.index[key] = i
		p.edges = append(p.edges, edge{from: from, to: to})
	}
	p.edges[i].mix = p.edges[i].mix.add(h)
}

// limit leaves out what exceeds the maximum of a column.
func (p *picture) limit(c *column) {
	if len(c.boxes) <= maxBoxes {
		return
	}
	slices.SortStableFunc(c.boxes, func(a, b *box) int { return severity[b.health] - severity[a.health] })
	for _, b := range c.boxes[maxBoxes:] {
		delete(p.boxes, b.id)
	}
	c.omitted = len(c.boxes) - maxBoxes
	c.boxes = c.boxes[:maxBoxes]
}
