package hardware

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A hwmonChip is an entry of /sys/class/hwmon, as long as it exists. Its fields
// belong to Update, except the probe, which belongs to the run in progress and
// may outlive Update.
type hwmonChip struct {
	entry    host.DirEntry // of /sys/class/hwmon
	base     string        // its label if no other chip has the same base
	name     string        // that its driver gives to it, as part of a label
	label    string        // the value of its label chip
	excluded bool          // by the chip filter

	answered bool // whether a scrape ever got a reading

	probe      hwmonProbe
	read       func() (*hwmonReading, error) // the function of a run
	flight     flight.Flight[*hwmonReading]
	run        *flight.Run[*hwmonReading] // the last one that was started
	pending    bool                       // whether an earlier scrape started the run, which is still in progress
	unfinished bool                       // whether the run had not finished at the end of the wait
	previous   *hwmonReading              // of the last unfinished run, once it has finished

	facts    *hwmonFacts // to which families belong
	families []*metric.Family
}

var errHwmonNoAnswer = errors.New("no answer in time: the chip is not read again before it answers")

// maxHwmonReadingAge is the maximum age at which a later scrape serves a reading
// that was too late for its own. It lets chips that always take longer than a
// scrape, such as those on a 1-wire bus, be read in the background.
const maxHwmonReadingAge = 2 * time.Minute

// start starts to read the chip. It reports false if the run of an earlier
// scrape is still in progress.
func (c *hwmonChip) start() bool {
	before := c.run
	run, started := c.flight.Go(c.read)
	c.run, c.pending = run, !started
	switch {
	case c.pending:
		return false
	case c.unfinished:
		// A new run was started, so that the one before has finished, or is
		// about to. It wrote to the buffer that the new run does not use.
		<-before.Done()
		c.previous, _ = before.Result()
	default:
		c.previous = nil
	}
	return true
}

// wait waits for the chip until the deadline.
func (c *hwmonChip) wait(ctx context.Context, deadline time.Time) {
	c.unfinished = !c.run.Wait(ctx, deadline)
	c.answered = c.answered || !c.unfinished
}

// result returns the reading to serve.
func (c *hwmonChip) result(now time.Time) (*hwmonReading, error) {
	if !c.pending && !c.unfinished {
		return c.run.Result()
	}
	if c.previous != nil && now.Sub(c.previous.endTime) < maxHwmonReadingAge {
		return c.previous, nil
	}
	return nil, c.run.Unfinished(errHwmonNoAnswer)
}

// A hwmonProbe reads one chip. It shares no data, because it may still be
// reading after Update has returned.
type hwmonProbe struct {
	sys *host.Reader
	now func() time.Time

	dir      string // below /sys, such as devices/platform/coretemp.0/hwmon/hwmon1
	device   string // target of its link device, or empty; some drivers have their files there
	listings [2]host.Listing

	facts       *hwmonFacts // nil if they have to be read again
	label       string      // of the chip when they were read
	buffers     [2]hwmonReading
	bufferIndex int
}

// A hwmonReading is the result of a run. It is valid until the start of the run
// after the next.
type hwmonReading struct {
	facts   *hwmonFacts
	values  []hwmonValue // of facts.elements
	errs    []error
	endTime time.Time
}

type hwmonValue struct {
	number float64
	ok     bool
}

// read reads the chip, without sensors that are not included for its label.
func (p *hwmonProbe) read(label string, includes func(sensor string) bool) (*hwmonReading, error) {
	if p.label != label {
		p.label, p.facts = label, nil
	}
	p.bufferIndex = 1 - p.bufferIndex
	r := &p.buffers[p.bufferIndex]
	*r = hwmonReading{values: r.values[:0], errs: r.errs[:0]}
	if err := p.updateFacts(r, includes); err != nil {
		r.report(err)
	} else {
		for i := range r.facts.elements {
			r.values = append(r.values, p.readValue(r, &r.facts.elements[i]))
		}
	}
	r.endTime = p.now()
	return r, nil
}

// updateFacts reads the facts if a directory of the chip changed.
func (p *hwmonProbe) updateFacts(r *hwmonReading, includes func(string) bool) error {
	changed, err := p.sys.List(&p.listings[0], p.dir)
	if err != nil {
		return err
	}
	if p.device != "" {
		deviceChanged, err := p.sys.List(&p.listings[1], p.device)
		if err != nil {
			r.report(err)
		}
		changed = changed || deviceChanged
	}
	if changed {
		p.facts = nil
	}
	r.facts = p.facts
	if r.facts == nil {
		var complete bool
		if r.facts, complete = p.readFacts(r, includes); complete {
			p.facts = r.facts
		}
	}
	return nil
}

// report adds an error to the reading, unless it means that there is no value.
func (r *hwmonReading) report(err error) {
	if !errors.Is(err, unix.ENETDOWN) { // a radio that is off
		reportUnlessNoReading(err, func(err error) { r.errs = append(r.errs, err) })
	}
}

// readValue reads an element of a sensor.
func (p *hwmonProbe) readValue(r *hwmonReading, e *hwmonElement) hwmonValue {
	b, err := p.sys.Text(e.dir, e.file)
	if err != nil {
		r.report(err)
		return hwmonValue{}
	}
	if e.isPercent {
		b = scan.Trim(bytes.TrimSuffix(b, []byte("%")))
	}
	v, isNumber, ok := parseHwmonNumber(b, e.isSigned)
	if !isNumber && !(e.mayBeText && isHwmonText(b)) {
		r.report(p.sys.At(host.Bad(1, "a number", b)))
	}
	if e.counter && v < 0 {
		// The kernel keeps it in an unsigned type and prints it as signed.
		u, isWhole := scan.Counter(b)
		v, ok = float64(u), ok && isWhole
	}
	if e.oneIsTrue && v != 1 {
		v = 0
	}
	if e.isTemp && v < absoluteZero || e.isFan && v < 0 {
		return hwmonValue{} // firmware that has no reading returns 0 K, which is rounded, or -1
	}
	return hwmonValue{v / e.divisor, ok}
}

// readFacts returns the facts of the chip. It reports whether it could read all
// texts, and the facts need not be read again.
func (p *hwmonProbe) readFacts(r *hwmonReading, includes func(string) bool) (facts *hwmonFacts, complete bool) {
	facts, complete = &hwmonFacts{}, true
	name, err := p.sys.Text(p.dir, "name")
	if err != nil {
		r.report(err)
		complete = host.Gone(err)
	}
	facts.name = hwmonName(string(name))
	files := hwmonFiles(p.listings, [2]string{p.dir, p.device}, includes)
	for _, f := range files {
		if f.element != "label" {
			continue
		}
		b, err := p.sys.Read(f.dir, f.name)
		if err != nil {
			r.report(err)
			complete = complete && host.Gone(err)
			continue
		}
		text := strings.ToValidUTF8(strings.Trim(string(b), "\n"), "\ufffd")
		facts.labels = append(facts.labels, hwmonLabel{f.sensor, text})
	}
	facts.elements = hwmonElements(files, facts.labels)
	return facts, complete
}
