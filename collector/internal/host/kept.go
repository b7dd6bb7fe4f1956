package host

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// KeepOpen makes the reader keep the files of procfs open that it reads, for
// collectors that read the same few files at every scrape: the kernel need not
// look up the path and allocate a buffer each time. It returns the reader.
//
// An open file of procfs does not block the unloading of a module, as one of
// sysfs can: its reads fail from then on. It stays a file of the namespace in which it
// was opened, and of the procfs that was mounted there. So a file whose read
// fails is opened anew, and so is each file from time to time. Files of processes
// must be left to other readers.
//
// A process that may have few descriptors keeps none: all readers together keep a few
// dozen.
func (r *Reader) KeepOpen() *Reader {
	if limit, err := MaxOpenFiles(); err != nil || limit < minKeepLimit {
		return r
	}
	r.kept = &keptFiles{}
	runtime.AddCleanup(r, (*keptFiles).close, r.kept)
	return r
}

// WholeReads makes the reader expect files whose content the kernel returns in
// one read if the buffer is large enough, so that no second read is needed to find
// the end: those of one record (single_open), such as /proc/meminfo, and those of
// /proc/sys. It returns the reader.
func (r *Reader) WholeReads() *Reader {
	r.whole = true
	return r
}

// Records makes Lines expect files of the kernel whose lines have at most size
// bytes. The kernel fills a page with lines as long as they fit, so that a read
// that leaves space for one more is the last one. It returns the reader.
func (r *Reader) Records(size int) *Reader {
	r.record = size
	return r
}

const (
	// maxKeptFiles is the maximum number of files that a reader keeps open.
	maxKeptFiles = 8
	// minKeepLimit is the limit of open files below which a process keeps none.
	minKeepLimit = 256
	// maxKeptReads is the number of reads after which a file is opened anew: a
	// procfs that was mounted over another is noticed within an hour at the
	// usual intervals.
	maxKeptReads = 64
)

// keptFiles are the files that a Reader keeps open.
type keptFiles struct{ files []keptFile }

type keptFile struct {
	path  string
	fd    int
	reads int
}

// take returns the open file of a path for the next read, or -1.
func (k *keptFiles) take(path []byte) int {
	if k == nil {
		return -1
	}
	for i := range k.files {
		f := &k.files[i]
		if f.path != string(path) {
			continue
		}
		if f.reads++; f.reads > maxKeptReads {
			k.drop(f.fd)
			return -1
		}
		return f.fd
	}
	return -1
}

// keep reports whether it keeps an open file.
func (k *keptFiles) keep(path []byte, fd int) bool {
	if k == nil || len(k.files) >= maxKeptFiles {
		return false
	}
	// Others, such as those of a copied tree, may be replaced.
	var st unix.Statfs_t
	if unix.Fstatfs(fd, &st) != nil || st.Type != unix.PROC_SUPER_MAGIC {
		return false
	}
	k.files = append(k.files, keptFile{path: string(path), fd: fd})
	return true
}

// drop closes a file.
func (k *keptFiles) drop(fd int) {
	for i, f := range k.files {
		if f.fd == fd {
			closeFD(fd)
			k.files = append(k.files[:i], k.files[i+1:]...)
			return
		}
	}
}

func (k *keptFiles) close() {
	for _, f := range k.files {
		closeFD(f.fd)
	}
	k.files = nil
}

// openFile opens the last path for reading, or returns a file that was kept open.
// Reads of both must give the offset.
func (r *Reader) openFile() (fd int, kept bool, err error) {
	if err := r.fault(); err != nil {
		return 0, false, r.pathError("read", err)
	}
	if fd := r.kept.take(r.path); fd >= 0 {
		return fd, true, nil
	}
	fd, err = r.openat(unix.O_RDONLY)
	return fd, false, err
}

// closeFile closes a file, or keeps it open if its read succeeded.
func (r *Reader) closeFile(fd int, kept bool, ok *bool) {
	switch {
	case kept && !*ok:
		r.kept.drop(fd)
	case !kept && !(*ok && r.kept.keep(r.path, fd)):
		closeFD(fd)
	}
}
