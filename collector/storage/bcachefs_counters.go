package storage

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// bcachefsCounters are the files in a folder of counters, of which there are
// more than a hundred. They stay the same as long as it is the same folder.
type bcachefsCounters struct {
	dir   dirID
	files []bcachefsCounter
}

// A bcachefsCounter pairs a file with the family it fills.
type bcachefsCounter struct {
	name   string
	family *metric.Family
}

// A dirID tells a folder from another that has come to be in its place.
type dirID struct {
	dev, ino     uint64
	mtime, ctime unix.Timespec
}

// emitCounters tells of all events that are counted: new kernels add some.
func (c *bcachefsCollector) emitCounters(uuid string, out *metric.Sink) {
	files, err := c.counterFiles(uuid)
	if err != nil && !host.Gone(err) {
		out.Error(err)
	}
	for i := range files {
		b, err := c.sys.Read(bcachefsDir, uuid, "counters", files[i].name)
		if err != nil {
			if !host.Gone(err) {
				out.Error(err)
			}
			continue
		}
		if v, ok := parseBcachefsCounter(b); ok {
			out.Emit(files[i].family, v, uuid)
		} else {
			out.Error(c.sys.At(host.Bad(1, "a number since the file system's creation", b)))
		}
	}
}

func (c *bcachefsCollector) counterFiles(uuid string) ([]bcachefsCounter, error) {
	st, err := c.sys.Stat(bcachefsDir, uuid, "counters")
	if err != nil {
		return nil, err
	}
	folder := dirID{uint64(st.Dev), st.Ino, st.Mtim, st.Ctim} // Dev has fewer bits on some architectures
	if known, ok := c.counters[uuid]; ok && known.dir == folder {
		return known.files, nil
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
	c.counters[uuid] = bcachefsCounters{folder, files}
	return files, nil
}

// dropUnmounted drops what is known of file systems that are not mounted any more.
func (c *bcachefsCollector) dropUnmounted(mounted []string) {
	for uuid := range c.counters {
		if !slices.Contains(mounted, uuid) {
			delete(c.counters, uuid)
		}
	}
}
