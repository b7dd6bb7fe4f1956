package output

import "strings"

// The groups of a pattern that are not labels.
const (
	valueGroup = "value"
	unitGroup  = "unit"
)

// regexp matches the pattern of each metric with each line, where it may match
// several times, or with the whole text.
func (r *run) regexp(text string) error {
	if err := checkLastLine([]byte(text)); err != nil {
		return err
	}
	for _, m := range r.p.metrics {
		if m.Whole {
			if err := r.addMatches(m, text, position{1, 1}); err != nil {
				return err
			}
		}
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		for _, m := range r.p.metrics {
			if m.Whole {
				continue
			}
			if err := r.addMatches(m, line, position{n, 1}); err != nil {
				return err
			}
		}
	}
	return nil
}

// addMatches adds the values of all matches in a text, whose position is at.
func (r *run) addMatches(m *compiledMetric, text string, at position) error {
	counted := 0 // length of the text before at
	for _, found := range m.pattern.FindAllStringSubmatchIndex(text, r.p.maxValues()+1-r.matched) {
		if r.matched++; r.matched > r.p.maxValues() {
			return errTooMany
		}
		before := text[counted:found[0]]
		if i := strings.LastIndexByte(before, '\n'); i >= 0 {
			at.line += strings.Count(before, "\n")
			at.column = len(before) - i
		} else {
			at.column += len(before)
		}
		counted = found[0]
		if err := r.addMatch(m, at, text, found); err != nil {
			return err
		}
	}
	return nil
}

// addMatch adds the value of one match. A group that did not match is an absent label
// or unit.
func (r *run) addMatch(m *compiledMetric, at position, text string, found []int) error {
	v := value{at: at, text: "1"}
	hasValue := m.pattern.SubexpIndex(valueGroup) < 0 // an info needs none
	for i, name := range m.pattern.SubexpNames() {
		if i == 0 || name == "" || found[2*i] < 0 {
			continue
		}
		switch group := text[found[2*i]:found[2*i+1]]; name {
		case valueGroup:
			v.text, hasValue = strings.TrimSpace(group), true
		case unitGroup:
			v.unit = strings.TrimSpace(group)
		default:
			v.labels = append(v.labels, label(name, strings.Clone(group)))
		}
	}
	if !hasValue {
		r.drop(IllTyped, at, "%s: want a match of the group value, have none", m.Name)
		return nil
	}
	return r.addText(m, v)
}
