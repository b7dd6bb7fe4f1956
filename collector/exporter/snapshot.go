package exporter

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/version"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/config"
	"github.com/hostexporter/host_exporter/collector/internal/doctor"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
)

// SnapshotOptions are the options of Snapshot.
type SnapshotOptions struct {
	Plain    bool // without redaction
	Compress bool // with gzip
}

// sheetsTimeout bounds the reading of files of collectors that are not enabled.
const sheetsTimeout = 20 * time.Second

// Snapshot runs the enabled collectors once and returns what they have read of the host,
// and a line that says what that is. It adds the files of collectors that are disabled by
// default. Checks and text files are left out.
func Snapshot(ctx context.Context, c Config, o SnapshotOptions) (content []byte, summary string, err error) {
	archive, _, err := record(ctx, c)
	if err != nil {
		return nil, "", err
	}
	if !o.Plain {
		if err := snapshot.Redact(archive); err != nil {
			return nil, "", err
		}
	}
	content = archive.Format()
	size := len(content)
	if o.Compress {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(content) // a buffer has no errors
		_ = z.Close()
		content = b.Bytes()
	}
	return content, fmt.Sprintf("%s, %s", summarize(archive), sizeOf(size)), nil
}

// record records the host of a configuration. It also returns the text that the
// collectors emitted.
func record(ctx context.Context, c Config) (*snapshot.Archive, []byte, error) {
	live := c.host
	if live == nil {
		if err := procfsError(c.Paths.Procfs); err != nil {
			return nil, nil, err
		}
		live = host.Live(c.Paths)
	}
	r := snapshot.NewRecorder(live)
	c.host = r.Host()
	c.host.Calls = flight.NewPool(callLimit())
	c.ProcessMetrics, c.Log = false, nil
	e, err := New(c)
	if err != nil {
		return nil, nil, err
	}
	g := e.current.Load()
	units := slices.DeleteFunc(slices.Clone(g.units), func(u *collect.Unit) bool { return isOfOperator(u.Spec.Name) })
	text := e.engine.AppendText(ctx, nil, scrape.Request{Units: units})
	settings := c.settingsWith(g.file)
	readSheets(ctx, r, slices.DeleteFunc(slices.Clone(e.specs), func(spec collect.Spec) bool {
		// What an enabled collector has not read, and what the operator has disabled, may
		// cost something.
		return !spec.DisabledByDefault || settings.IsExplicit(spec.Name) || settings.Enabled(spec) || isOfOperator(spec.Name) || isUnbounded(spec.Name)
	}))
	if err := interrupted(ctx); err != nil {
		return nil, nil, err
	}
	a := r.Archive()
	a.Description = fmt.Sprintf("A snapshot of a host by host_exporter %s. Not redacted: it has addresses, names and serial numbers.\n", version.Version)
	a.Settings = append(a.Settings, snapshot.Setting{Key: "version", Value: version.Version},
		snapshot.Setting{Key: "identity", Value: fmt.Sprintf("user %d, group %d, capabilities %s", os.Geteuid(), os.Getegid(), doctor.Capabilities())})
	var names []string
	for _, u := range units {
		names = append(names, u.Spec.Name)
		options := settings.Options(u.Spec.Name)
		for _, f := range u.Spec.Build.Fields() {
			for _, v := range options[f.Name] {
				a.Settings = append(a.Settings, snapshot.Setting{Key: "option " + u.Spec.Name + "/" + f.Name, Value: oneLine(v)})
			}
		}
	}
	a.Settings = append(a.Settings, snapshot.Setting{Key: "collectors", Value: strings.Join(names, " ")})
	return a, text, nil
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }

// settingsWith returns the settings with those of a file, which may be nil.
func (c Config) settingsWith(f *config.File) *Settings {
	s := c.Settings
	if s == nil {
		s = config.New()
	}
	if f != nil {
		s = s.With(f)
	}
	return s
}

// isOfOperator reports whether a collector emits what the operator wrote, and not what the
// kernel says.
func isOfOperator(name string) bool { return name == "textfile" || name == "check" }

// isUnbounded reports whether the data sheet of a collector lists more than it reads: what
// its options name, and files of all threads.
func isUnbounded(name string) bool { return name == "sysctl" || name == "processes" }

// readSheets reads the files of data sheets. Each collector's are read by themselves,
// because a read may hang.
func readSheets(ctx context.Context, r *snapshot.Recorder, specs []collect.Spec) {
	ctx, cancel := context.WithTimeout(ctx, sheetsTimeout)
	defer cancel()
	var reading sync.WaitGroup
	for _, spec := range specs {
		reading.Go(func() {
			for _, pattern := range spec.Reads {
				r.Read(ctx, pattern)
			}
		})
	}
	done := make(chan struct{})
	go func() { reading.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// replay loads the snapshot of a configuration, and makes its host and its settings those
// of the configuration. It returns nil without a snapshot.
func (c *Config) replay() (*snapshot.Archive, error) {
	if c.From == "" {
		return nil, nil
	}
	a, err := snapshot.Load(c.From)
	if err != nil {
		return nil, fmt.Errorf("snapshot %w", err)
	}
	if c.host, err = snapshot.Replay(a); err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", c.From, err)
	}
	c.host.Calls = flight.NewPool(callLimit())
	if names := a.Collectors(); names != nil {
		c.Settings.SetRecorded(names, a.Options)
	}
	return a, nil
}

// ownHost returns the machine of this process.
func (e *Exporter) ownHost() *host.Host {
	if e.snapshot != nil {
		return host.Live(host.Paths{Procfs: "/proc", Sysfs: "/sys", Rootfs: "/", UdevData: "/run/udev/data"})
	}
	return e.host
}

// ListSnapshot writes what is in a snapshot: a line for each entry, with its kind and its
// size.
func ListSnapshot(file string, out io.Writer) error {
	a, err := snapshot.Load(file)
	if err != nil {
		return err
	}
	w := &report{out: out}
	w.printf("%s\n", describeSnapshot(file, a))
	w.printf("%s\n\n", summarize(a))
	for _, e := range a.Entries {
		detail := ""
		switch e.Kind {
		case snapshot.File:
			detail = sizeOf(len(e.Data))
		case snapshot.Link:
			detail = "-> " + e.Target
		case snapshot.Fault:
			detail = e.Target
		case snapshot.Unread:
			detail = fmt.Sprintf("%d not read", len(e.Names()))
		}
		w.printf("%-7s /%s  %s\n", e.Kind, e.Path, detail)
	}
	return w.err
}

// describeSnapshot returns where and when a snapshot was taken.
func describeSnapshot(file string, a *snapshot.Archive) string {
	text := "snapshot " + file
	if v := a.Setting("version"); v != "" {
		text += " by host_exporter " + v
	}
	if v := a.Setting("clock"); v != "" {
		text += ", taken at " + v
	}
	if v := a.Setting("identity"); v != "" {
		text += " by " + v
	}
	return text
}

// summarize returns how many entries of each kind an archive has.
func summarize(a *snapshot.Archive) string {
	counts := map[snapshot.Kind]int{}
	calls := 0
	for _, e := range a.Entries {
		switch {
		case strings.HasPrefix(e.Path, "syscall/"):
			calls++
		case e.Kind == snapshot.Unread:
			counts[e.Kind] += len(e.Names())
		default:
			counts[e.Kind]++
		}
	}
	text := fmt.Sprintf("%d files, %d answers of system calls and services", counts[snapshot.File], calls)
	if n := counts[snapshot.Fault]; n > 0 {
		text += fmt.Sprintf(", %d files that cannot be read", n)
	}
	if n := counts[snapshot.Fifo]; n > 0 {
		text += fmt.Sprintf(", %d that hang", n)
	}
	return text
}

func sizeOf(n int) string {
	if n < 10<<10 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}
