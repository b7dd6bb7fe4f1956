package golden

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"

	"github.com/go-kit/log"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// RecordCalls runs a collector on a host and adds the answers of netlink and
// ethtool that it gets. It hides no addresses in messages: make an
// own network namespace for what is to be published.
func (a *Archive) RecordCalls(h *host.Host, spec collect.Spec) error {
	c := calls{dumps: map[[2]int]map[string][]string{}, dumpErrs: map[[2]int]map[string]error{}, devices: map[string]*ethtoolRecord{}}
	own := *h
	if own.Netlink != nil {
		own.Netlink = func(req host.NetlinkRequest, each func([]byte) error) error { return c.dump(h, req, each) }
	}
	if own.Ethtool != nil {
		own.Ethtool = func() (host.Ethtool, error) {
			e, err := h.Ethtool()
			return recordingEthtool{e, &c}, err
		}
	}
	set := metric.NewSet()
	collector, err := spec.Build.New(&collect.Env{Host: &own, Metrics: set, Log: log.NewNopLogger(), Reserved: notReserved}, nil)
	if err != nil {
		return err
	}
	// What fails is recorded too.
	_ = collector.Update(context.Background(), metric.NewSink(set))
	a.Entries = append(a.Entries, c.entries()...)
	return nil
}

// calls are the answers to calls of a collector.
type calls struct {
	dumps    map[[2]int]map[string][]string // by protocol and type, then by request, the messages
	dumpErrs map[[2]int]map[string]error
	devices  map[string]*ethtoolRecord
}

func (c *calls) dump(h *host.Host, req host.NetlinkRequest, each func([]byte) error) error {
	kind, body := [2]int{req.Protocol, int(req.Type)}, hex.EncodeToString(bytes.TrimRight(recordedRequest(req), "\x00"))
	var lines []string
	err := h.Netlink(req, func(b []byte) error {
		recorded := bytes.Clone(b)
		toRecorded(recorded, answerLayout(req.Protocol, req.Type))
		lines = append(lines, hex.EncodeToString(recorded)+"\n")
		return each(b)
	})
	if c.dumps[kind] == nil {
		c.dumps[kind], c.dumpErrs[kind] = map[string][]string{}, map[string]error{}
	}
	c.dumps[kind][body], c.dumpErrs[kind][body] = lines, err
	return err
}

func (c *calls) entries() (entries []Entry) {
	add := func(path, data string, err error) {
		e := Entry{Moment: 1, Path: path, Data: []byte(data), Mode: 0o644}
		var errno syscall.Errno
		if errors.As(err, &errno) {
			e.Kind, e.Target = Fault, errnoName(errno)
		}
		entries = append(entries, e)
	}
	kinds := slices.SortedFunc(maps.Keys(c.dumps), func(a, b [2]int) int {
		return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	for _, kind := range kinds {
		for _, body := range slices.Sorted(maps.Keys(c.dumps[kind])) {
			path := fmt.Sprintf("syscall/netlink/%d/%d", kind[0], kind[1])
			if len(c.dumps[kind]) > 1 {
				path += "/" + cmp.Or(body, "00")
			}
			add(path, strings.Join(c.dumps[kind][body], ""), c.dumpErrs[kind][body])
		}
	}
	for _, device := range slices.SortedFunc(maps.Keys(c.devices), host.CompareNatural) {
		add("syscall/ethtool/"+device, c.devices[device].String(), nil)
	}
	return entries
}

// recordingEthtool keeps the last answer to each command.
type recordingEthtool struct {
	host.Ethtool
	calls *calls
}

type ethtoolRecord struct {
	answers map[uint32][]byte
	errs    map[uint32]error
}

func (r recordingEthtool) Ioctl(device string, data []byte) error {
	command := binary.NativeEndian.Uint32(data)
	err := r.Ethtool.Ioctl(device, data)
	if err == unix.ENODEV { // not a device, such as bonding_masters
		return err
	}
	record := r.calls.devices[device]
	if record == nil {
		record = &ethtoolRecord{map[uint32][]byte{}, map[uint32]error{}}
		r.calls.devices[device] = record
	}
	record.answers[command], record.errs[command] = bytes.Clone(data), err
	return err
}

// String returns the lines of the stand-in.
func (r *ethtoolRecord) String() string {
	var b strings.Builder
	order := binary.NativeEndian
	failed := func(command uint32, fact string) bool {
		err := r.errs[command]
		var errno syscall.Errno
		if errors.As(err, &errno) && errno != unix.EOPNOTSUPP {
			fmt.Fprintf(&b, "%s !%s\n", fact, errnoName(errno))
		}
		return err != nil || r.answers[command] == nil
	}
	if !failed(unix.ETHTOOL_GDRVINFO, "driver") {
		for i, fact := range []string{"driver", "version", "firmware", "bus", "rom"} {
			fmt.Fprintf(&b, "%s %s\n", fact, unix.ByteSliceToString(r.answers[unix.ETHTOOL_GDRVINFO][4+32*i:36+32*i]))
		}
	}
	if !failed(unix.ETHTOOL_GLINKSETTINGS, "supported") {
		answer := r.answers[unix.ETHTOOL_GLINKSETTINGS]
		fmt.Fprintf(&b, "autonegotiation %d\n", answer[11])
		words := int(answer[15])
		for i, fact := range []string{"supported", "advertised"} {
			text := ""
			for w := range words {
				text = fmt.Sprintf("%08x", order.Uint32(answer[48+4*(words*i+w):])) + text
			}
			fmt.Fprintf(&b, "%s %s\n", fact, cmp.Or(strings.TrimLeft(text, "0"), "0"))
		}
	}
	if !failed(unix.ETHTOOL_GSTRINGS, "statistics") && !failed(unix.ETHTOOL_GSTATS, "statistics") {
		names, values := r.answers[unix.ETHTOOL_GSTRINGS], r.answers[unix.ETHTOOL_GSTATS]
		for i := range int(order.Uint32(names[8:])) {
			fmt.Fprintf(&b, "%s = %d\n", unix.ByteSliceToString(names[12+32*i:44+32*i]), order.Uint64(values[8+8*i:]))
		}
	}
	return b.String()
}
