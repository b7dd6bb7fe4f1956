// Package attr reads the attributes of sysfs from which hba makes its families:
// one value in a file, which may be absent, empty or refused. It knows the
// shapes of values (numbers, speeds, world wide names, words for states), and
// nothing of what they are about.
package attr

import (
	"errors"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A Reader reads optional attributes. An attribute that is absent or empty, or
// that the driver refuses with EINVAL because it has no word for the current
// value, or with EOPNOTSUPP because the adapter cannot say, has no value; that is
// not an error. Any other failure is reported to
// Out.
//
// A Reader reads only files that the code names, never what a directory happens
// to hold: next to these files are some that reset the adapter, some that hold
// passwords, and some that cost a firmware command.
type Reader struct {
	Sys *host.Reader
	Out *metric.Sink
}

// Text returns an attribute without the space around it, and whether it has a
// value.
func (a Reader) Text(elem ...string) ([]byte, bool) {
	b, err := a.Sys.Text(elem...)
	if err != nil {
		if !refused(err) {
			host.ReportUnlessGone(err, a.Out.Error)
		}
		return nil, false
	}
	return b, len(b) > 0
}

func refused(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EOPNOTSUPP)
}

// Label returns an attribute as a label value, or "" if it has no value.
func (a Reader) Label(elem ...string) string {
	b, _ := a.Text(elem...)
	return scsihost.Label(b)
}

// Parsed returns an attribute as parse reads it, and whether it has a value. A
// value that parse rejects is reported; want says what parse accepts.
func Parsed[T any](a Reader, want string, parse func([]byte) (T, bool), elem ...string) (T, bool) {
	b, ok := a.Text(elem...)
	return parsed(a, b, ok, want, parse)
}

// parsed keeps elem out of generic code, where it would escape to the heap.
func parsed[T any](a Reader, b []byte, ok bool, want string, parse func([]byte) (T, bool)) (v T, _ bool) {
	if !ok {
		return v, false
	}
	if v, ok = parse(b); !ok {
		a.Out.Error(a.Sys.At(host.Bad(1, want, b)))
	}
	return v, ok
}

// Uint returns an attribute that is an unsigned decimal number.
func (a Reader) Uint(elem ...string) (uint64, bool) {
	b, ok := a.Text(elem...)
	return parsed(a, b, ok, "an unsigned number", scan.Uint)
}

// Int returns an attribute that is a signed decimal number.
func (a Reader) Int(elem ...string) (int64, bool) {
	b, ok := a.Text(elem...)
	return parsed(a, b, ok, "a whole number", scan.Int)
}

// Hex returns an attribute that is a hexadecimal number, with or without 0x.
func (a Reader) Hex(elem ...string) (uint64, bool) {
	b, ok := a.Text(elem...)
	return parsed(a, b, ok, "a hexadecimal number", scan.Hex)
}

// WWN returns a world wide name as 16 hexadecimal digits, or "" if there is none.
func (a Reader) WWN(elem ...string) string {
	name, _ := Parsed(a, "a world wide name", scsihost.WWN, elem...)
	return name
}

// WWID returns the world wide identifier of a LUN as a label value, or "" if there
// is none. It does not allocate for one that is the last one still. The kernel
// escapes what is not printable in it.
func (a Reader) WWID(last string, elem ...string) string {
	b, _ := a.Text(elem...)
	if string(b) == last {
		return last
	}
	for _, c := range b {
		if c < ' ' || c > '~' {
			a.Out.Error(a.Sys.At(host.Bad(1, "a world wide identifier", b)))
			return ""
		}
	}
	return scsihost.Label(b)
}

// Speed returns an attribute such as "16 Gbit" in bits per second. It is zero
// where the kernel prints a word such as Unknown.
func (a Reader) Speed(elem ...string) float64 {
	v, _ := Parsed(a, "a speed", Speed, elem...)
	return v
}

// List reads the names in a directory into l. It reports whether they changed
// since l was last read. An absent directory has no names.
func (a Reader) List(l *host.Listing, elem ...string) (changed bool) {
	changed, err := a.Sys.List(l, elem...)
	host.ReportUnlessGone(err, a.Out.Error)
	return changed
}

// Names returns the names in a directory in natural order. An absent directory
// has no names.
func (a Reader) Names(elem ...string) []string {
	names, err := a.Sys.Names(elem...)
	host.ReportUnlessGone(err, a.Out.Error)
	return names
}

// ErrorCount returns how many errors were reported to Out: where it does not
// grow, everything could be read.
func (a Reader) ErrorCount() int {
	errs, more := a.Out.Errors()
	return len(errs) + more
}

// A File is an attribute with the family that its value goes to, and the value
// of a label that the file stands for.
type File struct {
	Name   string
	Family *metric.Family
	Label  string
}
