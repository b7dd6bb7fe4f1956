package hardware

import (
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

// A hwmonChip is one folder of /sys/class/hwmon, as long as the kernel keeps
// it. Its fields belong to Update, but for the probe, which belongs to the run
// in progress and may outlive Update.
type hwmonChip struct {
	entry   host.DirEntry // in the class
	label   string        // the value of its label chip
	ignored bool          // by the chip filter

	probe  hwmonProbe
	flight flight.Flight[*hwmonReading]
	run    *flight.Run[*hwmonReading] // the last one that was begun
	late   bool                       // the run was begun for an earlier scrape, and is still going on
	missed bool                       // the run was not finished when it was waited for
	prior  *hwmonReading              // of the last run that was missed, once it has finished

	facts    *hwmonFacts // that families belong to
	families []*metric.Family
}

var errHwmonLate = errors.New("no answer in time: the chip is left alone until it has answered")

// hwmonFresh is how old a reading that came too late for one scrape may be
// for a later one. A chip that always takes longer than a scrape may (sensors
// on a 1-wire bus do) is so read in the background.
const hwmonFresh = 2 * time.Minute

// begin starts to read the chip. It reports false when the chip still owes the
// answer to an earlier scrape.
func (c *hwmonChip) begin() bool {
	before := c.run
	run, started := c.flight.Go(c.probe.read)
	c.run, c.late = run, !started
	switch {
	case c.late:
		return false
	case c.missed:
		// A new run was started, so that the one before has finished, or is a
		// few instructions from it. It wrote to the buffer that the new run
		// does not use.
		<-before.Done()
		c.prior, _ = before.Result()
	default:
		c.prior = nil
	}
	return true
}

// wait waits for the chip until the deadline.
func (c *hwmonChip) wait(ctx context.Context, deadline time.Time) {
	c.missed = !c.run.Wait(ctx, deadline)
}

// result returns what is to be served of the chip.
func (c *hwmonChip) result(now time.Time) (*hwmonReading, error) {
	if !c.late && !c.missed {
		return c.run.Result()
	}
	if c.prior != nil && now.Sub(c.prior.finished) < hwmonFresh {
		return c.prior, nil
	}
	return nil, errHwmonLate
}

// A hwmonProbe reads one chip. What it holds is its own: it may still be
// reading when Update has long returned.
type hwmonProbe struct {
	sys    *host.Reader
	now    func() time.Time
	wanted func(sensor string) bool

	folder   string // below sysfs, such as devices/platform/coretemp.0/hwmon/hwmon1
	device   string // what its link "device" leads to, or empty: some drivers keep their files there
	listings [2]host.Listing

	facts *hwmonFacts // nil when they have to be read again
	turns [2]hwmonReading
	turn  int
}

// A hwmonReading is what one run read. It is valid until the run after the
// next begins.
type hwmonReading struct {
	facts    *hwmonFacts
	values   []hwmonValue // of facts.elements
	errs     []error
	finished time.Time
}

type hwmonValue struct {
	number float64
	ok     bool
}

// read is one run.
func (p *hwmonProbe) read() (*hwmonReading, error) {
	p.turn = 1 - p.turn
	r := &p.turns[p.turn]
	*r = hwmonReading{values: r.values[:0], errs: r.errs[:0]}
	if err := p.refresh(r); err != nil {
		r.fail(err)
	} else {
		for i := range r.facts.elements {
			r.values = append(r.values, p.value(r, &r.facts.elements[i]))
		}
	}
	r.finished = p.now()
	return r, nil
}

// refresh sees to the facts, which stay the same as long as the folders do.
func (p *hwmonProbe) refresh(r *hwmonReading) error {
	changed, err := p.sys.List(&p.listings[0], p.folder)
	if err != nil {
		return err
	}
	if p.device != "" {
		other, err := p.sys.List(&p.listings[1], p.device)
		if err != nil {
			r.fail(err)
		}
		changed = changed || other
	}
	if changed {
		p.facts = nil
	}
	r.facts = p.facts
	if r.facts == nil {
		var whole bool
		if r.facts, whole = p.learn(r); whole {
			p.facts = r.facts
		}
	}
	return nil
}

// fail notes an error, unless it only says that there is nothing to read.
func (r *hwmonReading) fail(err error) {
	if !hwmonSilent(err) {
		r.errs = append(r.errs, err)
	}
}

// hwmonSilent reports whether a failing read is a driver's way to say that
// there is no value: a socket without a fan, a radio that is switched off.
func hwmonSilent(err error) bool { return noReading(err) || errors.Is(err, unix.ENETDOWN) }

// value reads one element of a sensor.
func (p *hwmonProbe) value(r *hwmonReading, e *hwmonElement) hwmonValue {
	b, err := p.sys.Text(e.folder, e.file)
	if err != nil {
		r.fail(err)
		return hwmonValue{}
	}
	v, ok := scan.Float(b)
	if !ok && !(e.maybeText && hwmonText(b)) {
		r.fail(p.sys.At(host.Bad(1, "a number", b)))
	}
	if e.onlyOne && v != 1 {
		v = 0
	}
	return hwmonValue{v / e.divisor, ok}
}

// learn reads what does not change as long as the chip's folders do not: which
// files there are, and the texts. It reports whether it could read them all.
func (p *hwmonProbe) learn(r *hwmonReading) (facts *hwmonFacts, whole bool) {
	facts, whole = &hwmonFacts{}, true
	name, err := p.sys.Text(p.folder, "name")
	if err != nil {
		r.fail(err)
		whole = host.Gone(err)
	}
	facts.name = hwmonClean(string(name))
	files := hwmonFiles(p.listings, [2]string{p.folder, p.device}, p.wanted)
	for _, f := range files {
		if f.element != "label" {
			continue
		}
		b, err := p.sys.Read(f.folder, f.name)
		if err != nil {
			r.fail(err)
			whole = whole && host.Gone(err)
			continue
		}
		text := strings.ToValidUTF8(strings.Trim(string(b), "\n"), "\ufffd")
		facts.labels = append(facts.labels, hwmonLabel{f.sensor, text})
	}
	facts.elements = hwmonElements(files, facts.labels)
	return facts, whole
}
