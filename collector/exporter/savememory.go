package exporter

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// collectAfter is the number of scrapes after which garbage is collected. The
	// runtime waits until the heap has grown by a megabyte, whatever GOGC is. A small
	// host's scrape leaves less than ten kilobytes, and a large one's takes longer than
	// its part of a collection.
	collectAfter = 32
	// collectInterval is the age of the last collection after which the next scrape
	// brings another. Otherwise the runtime would collect after two minutes.
	collectInterval = 100 * time.Second
	// startScrapes is the number of scrapes until all code has run that runs only in
	// the beginning.
	startScrapes = 2
)

// A memorySaver keeps the memory of a process small that does nothing but scrapes. A
// nil memorySaver does nothing.
type memorySaver struct {
	program []mapping

	mu        sync.Mutex
	started   bool
	scrapes   int // since the last collection
	collected time.Time
}

// newMemorySaver returns a memorySaver. Call it before the process gives away the
// right to read about itself.
func newMemorySaver() *memorySaver {
	return &memorySaver{program: programMappings(), collected: time.Now()}
}

// scraped is called after each scrape.
func (m *memorySaver) scraped() {
	if m != nil && m.isDue() {
		// The end of the response is still to be written.
		go m.save()
	}
}

// isDue counts a scrape, and reports whether save is due.
func (m *memorySaver) isDue() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.scrapes++
	if !m.started && m.scrapes == startScrapes {
		return true
	}
	if m.scrapes < collectAfter && time.Since(m.collected) < collectInterval {
		return false
	}
	m.scrapes, m.collected = 0, time.Now()
	return true
}

// save collects garbage, and unmaps the program: all of it once it has started, and then
// its constants, since a collection needs others than a scrape does. Nothing writes to
// these, but breakpoints may be in its code.
func (m *memorySaver) save() {
	runtime.GC()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.program {
		if !m.started || !p.isCode {
			p.unmap()
		}
	}
	m.started = true
}

// A mapping is a part of the address space.
type mapping struct {
	start, end uint64
	isCode     bool
}

// programMappings returns the mappings of files in the address space of the process,
// such as its own program, whose pages can be read from the file again: nothing has
// written to them. It returns none if that is not known.
func programMappings() []mapping {
	b, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return nil
	}
	return parseProgramMappings(string(b))
}

// parseProgramMappings parses smaps: a line for each mapping, and lines with its
// properties. See proc_pid_smaps(5).
//
//	00400000-00dd3000 r-xp 00000000 fe:00 10978364    /usr/bin/host_exporter
//	Anonymous:             0 kB
func parseProgramMappings(smaps string) (all []mapping) {
	var candidate mapping // of a file, read-only and private
	for line := range strings.Lines(smaps) {
		f := strings.Fields(line)
		switch {
		case len(f) >= 5 && !strings.HasSuffix(f[0], ":"):
			candidate = mapping{}
			if start, end, ok := strings.Cut(f[0], "-"); ok && (f[1] == "r--p" || f[1] == "r-xp") && f[4] != "0" {
				candidate.start, _ = strconv.ParseUint(start, 16, 64)
				candidate.end, _ = strconv.ParseUint(end, 16, 64)
				candidate.isCode = f[1] == "r-xp"
			}
		// The addresses that the dynamic loader has written into a file, and the
		// breakpoints of a debugger, are not in the file.
		case len(f) >= 2 && f[0] == "Anonymous:" && f[1] == "0" && candidate.end > candidate.start:
			all = append(all, candidate)
		}
	}
	return all
}

// unmap takes the pages of a mapping out of the address space, until they are needed
// again. The kernel maps sixteen pages at a time, so that nearly the whole program is
// mapped once it has started, of which scrapes need half. The pages stay in the page
// cache, where the kernel can free them more easily.
func (m mapping) unmap() {
	_, _, _ = syscall.Syscall(unix.SYS_MADVISE, uintptr(m.start), uintptr(m.end-m.start), unix.MADV_DONTNEED)
}
