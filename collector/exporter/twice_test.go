package exporter

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/internal/config"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// An openCounter counts how often each path of a host is opened.
type openCounter struct {
	mu     sync.Mutex
	counts map[string]int
}

// countOpens makes a host count.
func countOpens(h *host.Host) *openCounter {
	c := &openCounter{counts: map[string]int{}}
	count := func(path string) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.counts[path]++
		return nil
	}
	for _, tree := range []*host.Tree{&h.Proc, &h.Sys, &h.Root, &h.Udev, &h.Files} {
		*tree = host.InjectFaults(*tree, count)
	}
	return c
}

// take returns the counts since the last call.
func (c *openCounter) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := c.counts
	c.counts = map[string]int{}
	return counts
}

// readTwice are the files that two collectors read. Both pairs have one that is off by
// default.
var readTwice = regexp.MustCompile(`^(` +
	`/proc/net/stat/nf_conntrack` + // conntrack and lnstat read it line by line, however many CPUs there are
	`|/sys/devices/pci.*` + // pcidevice and hba read the links of adapters
	`)$`)

// TestNothingIsReadTwice scrapes recorded hosts with all collectors: they share what
// several of them need. Hosts with storage have the most of that.
func TestNothingIsReadTwice(t *testing.T) {
	recorded, err := filepath.Glob("../../testdata/h[bo]*/*.host")
	if err != nil || len(recorded) == 0 {
		t.Fatal(recorded, err)
	}
	for _, file := range recorded {
		if testing.Short() && filepath.Base(file) != "san.host" {
			continue
		}
		t.Run(strings.TrimPrefix(file, "../../testdata/"), func(t *testing.T) { scrapeTwice(t, file) })
	}
}

func scrapeTwice(t *testing.T, file string) {
	root := golden.TempDir(t)
	h := golden.Load(t, file, root)
	opens := countOpens(h)
	settings, _ := NewSettings()
	if err := settings.Only(collector.Catalog(), config.Names(collector.Catalog())); err != nil {
		t.Fatal(err)
	}
	e, err := New(Config{MetricsPath: "/metrics", Settings: settings, host: h})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the first scrape fills caches
		opens.take()
		if rec := get(e, "/metrics"); rec.Code != 200 {
			t.Fatal(rec.Code)
		}
	}
	for path, n := range opens.take() {
		if path = strings.TrimPrefix(path, root); n > 1 && !readTwice.MatchString(path) {
			t.Errorf("%s is opened %d times in a scrape", path, n)
		}
	}
}

// TestGrowth scrapes hosts with more and more devices, and counts files and
// allocations in place of time.
func TestGrowth(t *testing.T) {
	write := func(root, file string, n int, header, format string) {
		t.Helper()
		var b strings.Builder
		b.WriteString(header)
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		if err := os.WriteFile(filepath.Join(root, file), []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, kind := range []struct {
		name string
		make func(root string, n int)
	}{
		{"CPUs", func(root string, n int) {
			write(root, "proc/stat", n, "cpu  1 2 3 4 5 6 7 8 9 10\n", "cpu%d 1 2 3 4 5 6 7 8 9 10\n")
		}},
		{"disks", func(root string, n int) {
			write(root, "proc/diskstats", n, "", "   8 0 xvd%d 1 2 3 4 5 6 7 8 9 10 11\n")
		}},
		{"interfaces", func(root string, n int) {
			write(root, "proc/net/dev", n, "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n",
				"eth%d: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n")
		}},
		{"sockets", func(root string, n int) {
			write(root, "proc/net/udp", n, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n",
				"%d: 00000000:0044 00000000:0000 07 00000000:00000A00 00:00000000 00000000 0 0 1900 2 0 0\n")
		}},
		{"neighbours", func(root string, n int) {
			write(root, "proc/net/arp", n, "IP address       HW type     Flags       HW address            Mask     Device\n", "192.0.2.%d 0x1 0x2 02:00:00:00:00:01 * eth0\n")
		}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			var opens, allocations [2]int
			for i, n := range []int{8, 1024} {
				root := golden.TempDir(t)
				h := golden.Load(t, "../../testdata/hosts/san.host", root)
				kind.make(root, n)
				h.Now = func() time.Time { return time.Now().Add(10 * time.Second) } // no file has just changed
				counter := countOpens(h)
				e, err := New(Config{MetricsPath: "/metrics", host: h})
				if err != nil {
					t.Fatal(err)
				}
				scrape := func() { get(e, "/metrics") }
				for range 3 {
					scrape()
				}
				counter.take()
				scrape()
				for _, n := range counter.take() {
					opens[i] += n
				}
				allocations[i] = int(testing.AllocsPerRun(3, scrape))
			}
			// Some caches are read again a few devices at a time.
			if opens[1] > opens[0]+16 {
				t.Errorf("%d files are opened on a large host, %d on a small one", opens[1], opens[0])
			}
			if allocations[1] > allocations[0]+allocations[0]/5+100 {
				t.Errorf("%d allocations on a large host, %d on a small one", allocations[1], allocations[0])
			}
			t.Log(opens, allocations)
		})
	}
}
