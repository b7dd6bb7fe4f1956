package exporter

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgramMappings(t *testing.T) {
	smaps := `00400000-00dd3000 r-xp 00000000 fe:00 10978364                           /usr/bin/host_exporter
Size:              10060 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
00dd3000-0184c000 r--p 009d3000 fe:00 10978364                           /usr/bin/a program (deleted)
Anonymous:             0 kB
0184c000-018d7000 rw-p 0144c000 fe:00 10978364                           /usr/bin/host_exporter
Anonymous:             0 kB
018d7000-03921000 r--p 0144c000 fe:00 10978364                           /usr/bin/relocated
Anonymous:             4 kB
03921000-03922000 r--s 00000000 fe:00 10978365                           /usr/share/shared
Anonymous:             0 kB
7fc520c90000-7fc521000000 r--p 00000000 00:00 0
Anonymous:             0 kB
7fc567af4000-7fc567af6000 r-xp 00000000 00:00 0                          [vdso]
Anonymous:             0 kB
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
Anonymous:             0 kB
`
	want := []mapping{{0x400000, 0xdd3000, true}, {0xdd3000, 0x184c000, false}}
	if have := parseProgramMappings(smaps); !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
	for _, malformed := range []string{"", "\n", "Anonymous: 0 kB\n", "x-y r--p 0 fe:00 1 /a\nAnonymous: 0 kB\n", "1 r--p 0 fe:00 1 /a\nAnonymous: 0 kB\n", "1-2 r 0 fe:00 1 /a\nAnonymous: 0 kB\n"} {
		if have := parseProgramMappings(malformed); have != nil {
			t.Errorf("%q: have %v", malformed, have)
		}
	}
}

// TestUnmap unmaps the program of the test, which goes on.
func TestUnmap(t *testing.T) {
	mappings := programMappings()
	code := uint64(reflect.ValueOf(TestUnmap).Pointer())
	if !slices.ContainsFunc(mappings, func(m mapping) bool { return m.start <= code && code < m.end }) {
		t.Skip("another program runs the test, such as qemu")
	}
	before := residentFileKB(t)
	for _, m := range mappings {
		m.unmap()
	}
	if after := residentFileKB(t); after >= before {
		t.Errorf("%d kB of files are resident, %d before", after, before)
	}
}

func residentFileKB(t *testing.T) int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`RssFile:\s+(\d+) kB`).FindSubmatch(b)
	if m == nil {
		t.Skip("the kernel does not report it")
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMemorySaver(t *testing.T) {
	var none *memorySaver
	none.scraped()
	synctest.Test(t, func(t *testing.T) {
		m := newMemorySaver()
		scrapes := func(n int, interval time.Duration) (due []int) {
			for i := range n {
				time.Sleep(interval)
				if m.isDue() {
					due = append(due, i+1)
					m.save()
				}
			}
			return due
		}
		for _, c := range []struct {
			interval time.Duration
			want     []int
		}{
			{time.Millisecond, []int{startScrapes, 32, 64, 96}},
			{15 * time.Second, []int{7, 14, 21, 28, 35, 42, 49, 56, 63, 70, 77, 84, 91, 98}},
			{5 * time.Minute, nil}, // each
		} {
			have := scrapes(100, c.interval)
			if c.want == nil && len(have) != 100 || c.want != nil && !slices.Equal(have, c.want) {
				t.Errorf("every %v: due after %v, want %v", c.interval, have, c.want)
			}
			m.scrapes, m.collected = 0, time.Now()
		}
	})
}

// TestMemorySaverOfScrapes checks that each scrape counts.
func TestMemorySaverOfScrapes(t *testing.T) {
	e, err := New(Config{MetricsPath: "/metrics"})
	if err != nil {
		t.Fatal(err)
	}
	e.memory = newMemorySaver()
	if rec := get(e, "/metrics?collect[]=loadavg"); rec.Code != 200 || e.memory.scrapes != 1 {
		t.Errorf("status %d, %d scrapes", rec.Code, e.memory.scrapes)
	}
}
