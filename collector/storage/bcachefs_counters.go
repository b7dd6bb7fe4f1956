package storage

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// bcachefsCounters caches the file names in a directory of counters, which are
// more than a hundred. They do not change as long as it is the same directory.
type bcachefsCounters struct {
	dir   dirID
	files []bcachefsCounter
}

// A bcachefsCounter is a file with its family.
type bcachefsCounter struct {
	name   string
	family *metric.Family
}

// A dirID identifies a directory. A directory that replaces another has another
// dirID.
type dirID struct {
	dev, ino     uint64
	mtime, ctime unix.Timespec
}

// emitCounters emits all counters that the kernel has.
func (c *bcachefsCollector) emitCounters(uuid string, out *metric.Sink) {
	files, err := c.counterFiles(uuid)
	host.ReportUnlessGone(err, out.Error)
	for i := range files {
		b, err := c.sys.Read(bcachefsDir, uuid, "counters", files[i].name)
		if !host.ReportUnlessGone(err, out.Error) {
			continue
		}
		if v, ok := parseBcachefsCounter(b); ok {
			out.Emit(files[i].family, v, uuid)
		} else {
			out.Error(c.sys.At(host.Bad(1, "a number since filesystem creation", b)))
		}
	}
}

func (c *bcachefsCollector) counterFiles(uuid string) ([]bcachefsCounter, error) {
	st, err := c.sys.Stat(bcachefsDir, uuid, "counters")
	if err != nil {
		return nil, err
	}
	dir := dirID{uint64(st.Dev), st.Ino, st.Mtim, st.Ctim} // Dev has fewer bits on some architectures
	if cached, ok := c.counters[uuid]; ok && cached.dir == dir {
		return cached.files, nil
	}
	names, err := c.sys.Names(bcachefsDir, uuid, "counters")
	if err != nil {
		return nil, err
	}
	var files []bcachefsCounter
	for _, name := range names {
		if f := c.counterFamilies.Family([]byte(name)); f != nil {
			files = append(files, bcachefsCounter{name, f})
		}
	}
	c.counters[uuid] = bcachefsCounters{dir, files}
	return files, nil
}

// dropUnmounted drops the cached files of file systems that are not mounted.
func (c *bcachefsCollector) dropUnmounted(mounted []string) {
	for uuid := range c.counters {
		if !slices.Contains(mounted, uuid) {
			delete(c.counters, uuid)
		}
	}
}
