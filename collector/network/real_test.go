package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// inNamespace runs a test on a thread in a network namespace of its own, after
// commands that set it up. It skips the test without the privilege or the
// programs for it.
func inNamespace(t *testing.T, commands string, fn func()) {
	t.Helper()
	for line := range strings.Lines(commands) {
		if f := strings.Fields(line); len(f) > 0 {
			if _, err := exec.LookPath(f[0]); err != nil {
				t.Skipf("no %s here", f[0])
			}
		}
	}
	skip := make(chan string, 1)
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlock it: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			skip <- "no network namespace here: " + err.Error()
			return
		}
		for line := range strings.Lines(commands) {
			f := strings.Fields(line)
			if len(f) == 0 {
				continue
			}
			if out, err := exec.Command(f[0], f[1:]...).CombinedOutput(); err != nil {
				skip <- fmt.Sprintf("%s: %v: %s", strings.TrimSpace(line), err, out)
				return
			}
		}
		fn()
	}()
	<-done
	select {
	case reason := <-skip:
		t.Skip(reason)
	default:
	}
}

// realHost returns the live host. Its sysfs has folders for some network devices
// only, because a mounted sysfs shows another namespace.
func realHost(t *testing.T, devices ...string) *host.Host {
	t.Helper()
	sys := t.TempDir()
	for _, d := range devices {
		testfile.Dir(t, filepath.Join(sys, netDir, d))
	}
	return host.Live(host.Paths{Procfs: "/proc", Sysfs: sys, Rootfs: "/", UdevData: "/run/udev/data"})
}

// updateReal reads a collector in the calling thread.
func updateReal(t *testing.T, spec collect.Spec, h *host.Host) map[string]float64 {
	t.Helper()
	samples, errs := golden.NewWorkbenchOn(t, spec.Build, h, nil).Update()
	if errs != nil {
		t.Error(errs)
	}
	return samples
}

func TestRealTCPSockets(t *testing.T) {
	inNamespace(t, "ip link set lo up\n", func() {
		var keep []net.Conn
		connect := func(address string) (client, server net.Conn) {
			// Sockets of package net belong to the namespace of the thread that
			// makes them.
			l, err := net.Listen("tcp", address)
			if err != nil {
				t.Error(err)
				return nil, nil
			}
			defer l.Close()
			if client, err = net.Dial("tcp", l.Addr().String()); err == nil {
				server, err = l.Accept()
			}
			if err != nil {
				t.Error(err)
				return nil, nil
			}
			keep = append(keep, client, server)
			return client, server
		}
		defer func() {
			for _, c := range keep {
				c.Close()
			}
		}()
		send := func(c net.Conn, n int) {
			if _, err := c.Write(make([]byte, n)); err != nil {
				t.Error(err)
			}
		}
		client, _ := connect("127.0.0.1:0")
		send(client, 1000)
		client, server := connect("[::1]:0")
		send(client, 200)
		send(server, 30)
		client, _ = connect("127.0.0.1:0")
		if err := client.(*net.TCPConn).CloseWrite(); err != nil {
			t.Error(err)
		}
		listener, err := net.Listen("tcp", "[::1]:0")
		if err != nil {
			t.Error(err)
			return
		}
		defer listener.Close()
		want := map[string]float64{
			"established": 4, "fin_wait2": 1, "close_wait": 1, "listen": 1, "tx_queued_bytes": 0,
			"rx_queued_bytes": 1231, // the end of a connection counts as a byte
		}
		// Acknowledgements are processed at once on lo, but on another CPU.
		for range 100 {
			have := map[string]float64{}
			for series, v := range updateReal(t, tcpstat, realHost(t)) {
				have[strings.Split(series, `"`)[1]] = v
			}
			if maps.Equal(have, want) {
				return
			}
			err = fmt.Errorf("have %v, want %v", have, want)
			time.Sleep(20 * time.Millisecond)
		}
		t.Error(err)
	})
}

func TestRealRoutes(t *testing.T) {
	inNamespace(t, `
		ip link add v0 type veth peer name v1
		ip link set v0 up
		ip link set v1 up
		ip addr add 192.0.2.1/24 dev v0
		ip addr add 198.51.100.1/24 dev v1
		ip route add default via 192.0.2.254 proto dhcp metric 100
		ip route add 203.0.113.0/24 proto ospf nexthop via 192.0.2.2 weight 3 nexthop via 198.51.100.2 weight 4
		ip route add 10.0.0.0/8 dev v0 table 100
		ip route add 10.0.0.0/8 dev v0 table 200
		ip route add blackhole 10.1.0.0/16
		ip -6 route add 2001:db8::/32 dev v1 proto 99 metric 7
	`, func() {
		samples := updateReal(t, networkRoute, realHost(t))
		var have []string
		for series := range samples {
			if !strings.Contains(series, "fe80::") && !strings.Contains(series, "routes") {
				have = append(have, strings.TrimPrefix(series, "node_network_route_info"))
			}
		}
		slices.Sort(have)
		want := []string{
			`{device="v0",src="",dest="10.0.0.0/8",gw="",priority="0",proto="boot",weight=""}`,
			`{device="v0",src="",dest="203.0.113.0/24",gw="192.0.2.2",priority="0",proto="ospf",weight="3"}`,
			`{device="v0",src="",dest="default",gw="192.0.2.254",priority="100",proto="dhcp",weight=""}`,
			`{device="v0",src="192.0.2.1",dest="192.0.2.0/24",gw="",priority="0",proto="kernel",weight=""}`,
			`{device="v1",src="",dest="2001:db8::/32",gw="",priority="7",proto="99",weight=""}`,
			`{device="v1",src="",dest="203.0.113.0/24",gw="198.51.100.2",priority="0",proto="ospf",weight="4"}`,
			`{device="v1",src="198.51.100.1",dest="198.51.100.0/24",gw="",priority="0",proto="kernel",weight=""}`,
		}
		if !slices.Equal(have, want) {
			t.Errorf("have\n%s\nwant\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
		}
		if n := samples[`node_network_routes{device="v0"}`]; n < 5 { // both of 10.0.0.0/8, maybe fe80::/64
			t.Errorf("%v routes over v0, want at least 5", n)
		}
	})
}

// TestRealQdiscs compares with tc(8), which shows bytes, packets and the rest of
// the same attributes.
func TestRealQdiscs(t *testing.T) {
	inNamespace(t, `
		ip link add v0 type veth peer name v1
		ip link set v0 up
		ip link set v1 up
		ip addr add 192.0.2.1/24 dev v0
		tc qdisc add dev v0 root tbf rate 8kbit burst 1600 limit 3000
		tc qdisc add dev v0 ingress
		tc qdisc add dev v1 root handle 1: htb default 10
	`, func() {
		if c, err := net.Dial("udp", "192.0.2.1:9"); err == nil {
			c.Close()
		}
		text, err := exec.Command("tc", "-s", "-j", "qdisc", "show").Output()
		if err != nil {
			t.Error(err)
			return
		}
		var qdiscs []struct {
			Kind, Dev                                                  string
			Root                                                       bool
			Bytes, Packets, Drops, Overlimits, Requeues, Backlog, Qlen float64
		}
		if err := json.Unmarshal(text, &qdiscs); err != nil {
			t.Logf("a tc that does not know JSON: %v", err)
			return
		}
		want := map[string]float64{}
		for _, q := range qdiscs {
			if !q.Root {
				continue
			}
			labels := fmt.Sprintf("{device=%q,kind=%q}", q.Dev, q.Kind)
			want["node_qdisc_bytes_total"+labels] = q.Bytes
			want["node_qdisc_packets_total"+labels] = q.Packets
			want["node_qdisc_drops_total"+labels] = q.Drops
			want["node_qdisc_overlimits_total"+labels] = q.Overlimits
			want["node_qdisc_requeues_total"+labels] = q.Requeues
			want["node_qdisc_backlog"+labels] = q.Backlog
			want["node_qdisc_current_queue_length"+labels] = q.Qlen
		}
		if len(want) == 0 {
			t.Errorf("no qdisc in %s", text)
		}
		have := updateReal(t, qdisc, realHost(t))
		for series, v := range want {
			if got, ok := have[series]; !ok || got < v { // packets may have been sent meanwhile
				t.Errorf("%s: have %v, want %v", series, got, v)
			}
		}
		if len(have) != len(want) {
			t.Errorf("%d samples, want %d", len(have), len(want))
		}
	})
}

func TestRealEthtool(t *testing.T) {
	inNamespace(t, `
		ip link add v0 type veth peer name v1
		ip link add br0 type bridge
		ip link set v0 up
	`, func() {
		samples := updateReal(t, ethtool, realHost(t, "v0", "v1", "br0", "lo", "gone", "a_name_longer_than_15_bytes"))
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		driver, err := unix.IoctlGetEthtoolDrvinfo(fd, "v0")
		if err != nil {
			t.Error(err)
			return
		}
		peer, err := net.InterfaceByName("v1")
		if err != nil {
			t.Error(err)
			return
		}
		for series, want := range map[string]float64{
			fmt.Sprintf(`node_ethtool_info{bus_info="",device="v0",driver="veth",expansion_rom_version="",firmware_version="",version=%q}`, unix.ByteSliceToString(driver.Version[:])): 1,
			`node_ethtool_peer_ifindex{device="v0"}`:     float64(peer.Index),
			`node_network_autonegotiate{device="v0"}`:    0,
			`node_network_pause_supported{device="v0"}`:  0,
			`node_network_pause_advertised{device="v1"}`: 0,
		} {
			if have, ok := samples[series]; !ok || have != want {
				t.Errorf("%s: have %v (%v), want %v", series, have, ok, want)
			}
		}
		for series := range samples {
			if strings.Contains(series, "gone") || strings.Contains(series, "longer") {
				t.Error(series)
			}
		}
	})
}

// TestRealEthtoolErrors has an answer that is cut off, a device that is not there,
// and a request that is too long.
func TestRealEthtoolErrors(t *testing.T) {
	inNamespace(t, "ip link add v0 type veth peer name v1\n", func() {
		e, err := host.Live(host.Paths{}).Ethtool()
		if err != nil {
			t.Error(err)
			return
		}
		defer e.Close()
		request := make([]byte, 12) // of an answer with names behind it
		netlink.Native.PutUint32(request, unix.ETHTOOL_GSTRINGS)
		netlink.Native.PutUint32(request[4:], 1)
		if err := e.Ioctl("v0", request); err != nil || netlink.Native.Uint32(request[8:]) == 0 {
			t.Errorf("%x: %v", request, err)
		}
		if err := e.Ioctl("v2", request); !errors.Is(err, unix.ENODEV) {
			t.Errorf("a device that is not there: %v", err)
		}
		if err := e.Ioctl("v0", make([]byte, 5<<20)); err == nil {
			t.Error("no error for 5 MiB")
		}
	})
}

// TestRealLinkModes compares the names of link modes with those of the kernel,
// which it has for ethtool netlink.
func TestRealLinkModes(t *testing.T) {
	names := kernelStrings(t, 9) // ETH_SS_LINK_MODES
	if len(names) == 0 {
		t.Skip("no ethtool netlink here")
	}
	for bit, name := range names {
		// The kernel writes 1000baseT/Full and, where the constant has no
		// duplex, 10000baseR_FEC.
		want := strings.NewReplacer("/", "_", "Asym_Pause", "Asym_Pause", "None", "FEC_NONE", "BASER", "FEC_BASER", "LLRS", "FEC_LLRS").Replace(name)
		if name == "RS" {
			want = "FEC_RS"
		}
		switch {
		case bit >= len(linkModes):
			t.Logf("link mode %d is new: %s", bit, name)
		case linkModes[bit] != want:
			t.Errorf("link mode %d is %s, want %s", bit, linkModes[bit], want)
		}
	}
}

// kernelStrings returns a string set of ethtool netlink, or nil if there is none.
func kernelStrings(t *testing.T, set uint32) (names []string) {
	t.Helper()
	n := newNL80211(host.Live(host.Paths{}).Netlink)
	family, err := n.findFamily("ethtool")
	if err != nil {
		return nil
	}
	id := netlink.AppendAttribute(nil, unix.ETHTOOL_A_STRINGSET_ID, netlink.Native.AppendUint32(nil, set))
	sets := netlink.AppendAttribute(nil, unix.ETHTOOL_A_STRINGSETS_STRINGSET|unix.NLA_F_NESTED, id)
	header := netlink.AppendAttribute(nil, unix.ETHTOOL_A_STRSET_HEADER|unix.NLA_F_NESTED, nil) // of no device
	request := netlink.AppendAttribute(header, unix.ETHTOOL_A_STRSET_STRINGSETS|unix.NLA_F_NESTED, sets)
	value := []uint16{
		unix.ETHTOOL_A_STRSET_STRINGSETS, unix.ETHTOOL_A_STRINGSETS_STRINGSET, unix.ETHTOOL_A_STRINGSET_STRINGS,
		unix.ETHTOOL_A_STRINGS_STRING, unix.ETHTOOL_A_STRING_VALUE,
	}
	// Not a dump: its messages would be too short for so many names.
	body := append([]byte{unix.ETHTOOL_MSG_STRSET_GET, 1, 0, 0}, request...)
	message := netlink.Native.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	message = netlink.Native.AppendUint16(message, family)
	message = netlink.Native.AppendUint16(message, unix.NLM_F_REQUEST)
	message = append(append(message, make([]byte, 8)...), body...)
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_GENERIC)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, message); err != nil {
		return nil
	}
	answer := make([]byte, 1<<16)
	size, err := unix.Read(fd, answer)
	if err != nil || netlink.Native.Uint16(answer[4:]) != family {
		return nil
	}
	err = find(answer[unix.SizeofNlMsghdr+sizeofGenlMsg:size], value, func(data []byte) {
		names = append(names, unix.ByteSliceToString(data))
	})
	if err != nil {
		t.Error(err)
	}
	return names
}

// find visits the nested attributes with a path of types.
func find(b []byte, path []uint16, visit func(data []byte)) error {
	return netlink.EachAttribute(b, func(a netlink.Attribute) error {
		switch {
		case a.Type != path[0]:
		case len(path) == 1:
			visit(a.Data)
		default:
			return find(a.Data, path[1:], visit)
		}
		return nil
	})
}
