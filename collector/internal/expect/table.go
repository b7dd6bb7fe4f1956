package expect

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A table has the series of a clause that cannot be compared one by one: groups
// of a total, series that are compared with others, and series that may be left
// out.
type table struct {
	rows     []tableRow
	index    map[string]int     // of the rows of groups, by the values of their labels
	others   map[string]float64 // the samples to compare with, by their labels
	excluded map[string]bool    // labels of the series to leave out
	key      []byte             // buffer of add
}

// A tableRow is a series, or a group of series.
type tableRow struct {
	labels []LabelPair
	tally  tally // of the group; of a series, its value
}

func (t *table) reset() {
	clear(t.index)
	clear(t.others)
	clear(t.excluded)
	t.rows = t.rows[:0]
}

// add adds a sample that the clause selects.
func (t *table) add(c *clause, labels metric.Labels, v float64) {
	if c.by == nil {
		t.rows = append(t.rows, tableRow{pairs(labels), tally{count: 1, value: v}})
		return
	}
	t.key = t.key[:0]
	for _, name := range c.by {
		t.key = append(append(t.key, labels.Get(name)...), '\xff')
	}
	i, ok := t.index[string(t.key)]
	if !ok {
		if t.index == nil {
			t.index = map[string]int{}
		}
		i = len(t.rows)
		t.index[string(t.key)] = i
		t.rows = append(t.rows, tableRow{labels: c.group(labels)})
	}
	of := &t.rows[i].tally
	of.count++
	if c.selection.comparison.holds(v) {
		of.aggregate(c.function, v)
	}
}

// group returns the labels of the group that a sample belongs to.
func (c *clause) group(labels metric.Labels) []LabelPair {
	selected := make(metric.Labels, len(c.by))
	for i, name := range c.by {
		selected[i] = metric.Label{Name: []byte(name), Value: labels.Get(name)}
	}
	return pairs(selected)
}

// addOther adds a sample with which a series is compared.
func (t *table) addOther(labels metric.Labels, v float64) {
	if t.others == nil {
		t.others = map[string]float64{}
	}
	t.others[labelsKey(pairs(labels))] = v
}

// addExcluded adds the labels of a sample: series that have the same are left
// out. Without names these are all labels.
func (t *table) addExcluded(labels metric.Labels, on []string) {
	if t.excluded == nil {
		t.excluded = map[string]bool{}
	}
	t.excluded[onKey(pairs(labels), on)] = true
}

// compare compares each row, and adds it to the tally of the clause. A row
// without a sample to compare with is left out, as in PromQL.
func (t *table) compare(c *clause, all *tally) {
	for _, r := range t.rows {
		if c.unless != nil && t.excluded[onKey(r.labels, c.unless.on)] {
			continue
		}
		comparison := c.comparison()
		if comparison.other != nil {
			other, ok := t.others[labelsKey(r.labels)]
			if !ok {
				continue
			}
			comparison = comparison.with(other)
		}
		v := r.tally.value
		if c.by != nil {
			v = r.tally.result(c.function)
		}
		all.count++
		holds := comparison.holds(v)
		all.addWorst(comparison, v, holds)
		switch {
		case holds:
		case len(all.failing) == maxMissing:
			all.moreFailing++
		default:
			all.failing = append(all.failing, c.newSeries(r.labels, v, comparison.number))
		}
	}
}

// labelsKey returns a text that is the same for the same labels only.
func labelsKey(labels []LabelPair) string {
	var b strings.Builder
	for _, l := range labels {
		b.WriteString(l.Name)
		b.WriteByte('\xff')
		b.WriteString(l.Value)
		b.WriteByte('\xff')
	}
	return b.String()
}

// onKey returns the key of some labels by name, or of all without names.
func onKey(labels []LabelPair, on []string) string {
	if on == nil {
		return labelsKey(labels)
	}
	var some []LabelPair
	for _, name := range on {
		for _, l := range labels {
			if l.Name == name {
				some = append(some, l)
			}
		}
	}
	return labelsKey(some)
}
