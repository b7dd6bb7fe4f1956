package exporter

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/doctor"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
	"github.com/hostexporter/host_exporter/collector/internal/seal"
)

// needs returns what the process needs to collect and serve a generation.
func (e *Exporter) needs(g *generation) seal.Needs {
	if e.config.Sandbox == "" {
		return seal.Needs{}
	}
	b := needsBuilder{host: e.host, paths: e.config.Paths, needs: seal.Needs{Exceptions: map[seal.Layer]string{}}}
	b.addRead("/proc") // of this process, wherever the host's is
	units, mounts := g.units, readMountTable(e.host)
	if e.snapshot != nil {
		units, mounts = nil, nil // collectors read what is in memory
	} else {
		b.addRead(b.hostPath("/proc"))
		b.addRead(b.hostPath("/sys"))
	}
	for _, u := range units {
		b.addCollector(u, mounts)
	}
	if e.config.File != "" {
		b.addFile(e.config.File)
	}
	if g.file != nil {
		for _, p := range g.file.Paths {
			b.addFile(p)
		}
		for _, p := range g.file.Folders {
			b.addRead(literalPrefix(p))
		}
	}
	b.addWebConfig(e.webConfigFile)
	if strings.HasPrefix(os.Getenv("NOTIFY_SOCKET"), "@") || strings.Contains(os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"), "abstract=") {
		b.needs.AbstractSockets = true
	}
	if e.config.child == nil && slices.ContainsFunc(g.checks, func(d checks.Definition) bool { return d.Enabled }) {
		for _, l := range []seal.Layer{seal.NoNewPrivs, seal.Capabilities, seal.Landlock, seal.Seccomp} {
			b.needs.Exceptions[l] = "checks run in this process"
		}
	}
	b.addProcessAccess(units, mounts)
	return b.result()
}

// A needsBuilder collects needs.
type needsBuilder struct {
	host  *host.Host
	paths host.Paths
	needs seal.Needs
}

func (b *needsBuilder) result() seal.Needs {
	n := &b.needs
	for _, list := range []*[]string{&n.Read, &n.List, &n.Devices} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	slices.Sort(n.Capabilities)
	n.Capabilities = slices.Compact(n.Capabilities)
	return *n
}

// hostPath returns where a path of the host is.
func (b *needsBuilder) hostPath(path string) string { return doctor.HostPath(b.paths, path) }

// addCollector adds what a collector needs by its data sheet and its options.
func (b *needsBuilder) addCollector(u *collect.Unit, mounts []mount) {
	b.needs.Capabilities = append(b.needs.Capabilities, u.Spec.Caps...)
	b.needs.AbstractSockets = b.needs.AbstractSockets || u.Spec.AbstractSockets
	for _, pattern := range slices.Concat(u.Spec.Reads, u.Spec.OptionalReads) {
		b.addPattern(pattern)
	}
	for _, p := range u.Paths {
		b.addOption(p)
	}
	for _, m := range mounts {
		if u.Spec.OpensMounts != "" && m.fsType == u.Spec.OpensMounts {
			b.add(&b.needs.List, b.host.Root.Path(m.point))
		}
	}
}

// addPattern adds a pattern of a data sheet. Beside procfs and sysfs, whole
// directories are allowed, since upgrades replace files: but not the large ones at
// the top, which have much that is not for the exporter.
func (b *needsBuilder) addPattern(pattern string) {
	switch top, _, _ := strings.Cut(strings.TrimPrefix(pattern, "/"), "/"); top {
	case "proc", "sys":
		return
	case "dev":
		b.add(&b.needs.Devices, pattern)
		return
	}
	if prefix := literalPrefix(pattern); prefix != pattern {
		b.addRead(b.hostPath(prefix))
		return
	}
	pattern, err := b.host.Root.Reader().Resolve(pattern)
	if err != nil {
		return // it is missing, or a link leads nowhere
	}
	info, err := os.Stat(b.hostPath(pattern))
	switch {
	case err != nil || info.Mode()&os.ModeSocket != 0: // sockets are not opened
	case filepath.Dir(filepath.Dir(pattern)) == "/":
		b.addRead(b.hostPath(pattern))
	default:
		b.addRead(b.hostPath(filepath.Dir(pattern)))
	}
}

// addOption adds a path of an option, which may be a pattern: what it has now and
// will have, and the targets of links in it.
func (b *needsBuilder) addOption(pattern string) {
	prefix := literalPrefix(pattern)
	if info, err := os.Stat(prefix); prefix != pattern || err == nil && info.IsDir() {
		b.addRead(prefix)
	} else {
		b.addFile(prefix)
	}
	matches, _ := filepath.Glob(pattern)
	for _, m := range matches {
		b.addRead(m)
		links, _ := filepath.Glob(filepath.Join(escapePattern(m), "*.prom"))
		for _, l := range links {
			if info, err := os.Lstat(l); err == nil && info.Mode()&os.ModeSymlink != 0 {
				b.addFile(l)
			}
		}
	}
}

// addFile adds the directory of a file that the operator names, and that of its
// target if it is a link: editors, certificate managers and Kubernetes replace files
// and links.
func (b *needsBuilder) addFile(path string) {
	b.addRead(filepath.Dir(path))
	if target, err := filepath.EvalSymlinks(path); err == nil {
		b.addRead(filepath.Dir(target))
	}
	b.needs.Capabilities = append(b.needs.Capabilities, capability.DACReadSearch)
}

// addRead adds a file, or a directory with all that is below.
func (b *needsBuilder) addRead(path string) { b.add(&b.needs.Read, path) }

// add adds a path that exists to a list.
func (b *needsBuilder) add(list *[]string, path string) {
	path, err := filepath.Abs(path)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err == nil {
		*list = append(*list, path)
	}
}

// addWebConfig adds the files of the toolkit, which reads them at each connection.
func (b *needsBuilder) addWebConfig(file string) {
	if file == "" {
		return
	}
	b.addFile(file)
	var web struct {
		TLS struct {
			Cert     string `yaml:"cert_file"`
			Key      string `yaml:"key_file"`
			ClientCA string `yaml:"client_ca_file"`
		} `yaml:"tls_server_config"`
	}
	text, err := os.ReadFile(file)
	if err != nil || yaml.Unmarshal(text, &web) != nil {
		return // the toolkit reports it
	}
	for _, p := range []string{web.TLS.Cert, web.TLS.Key, web.TLS.ClientCA} {
		if p == "" {
			continue
		}
		if !filepath.IsAbs(p) {
			p = filepath.Join(filepath.Dir(file), p)
		}
		b.addFile(p)
	}
}

// addProcessAccess adds exceptions for files of processes that the kernel would no
// longer let the exporter read.
func (b *needsBuilder) addProcessAccess(units []*collect.Unit, mounts []mount) {
	have, err := capability.Read()
	if err != nil {
		return
	}
	procfs, _ := filepath.EvalSymlinks(b.hostPath("/proc"))
	hidden := slices.ContainsFunc(mounts, func(m mount) bool { return m.point == procfs && m.hidesProcesses() })
	for _, u := range units {
		for _, pattern := range slices.Concat(u.Spec.Reads, u.Spec.OptionalReads) {
			process, isProcess := strings.CutPrefix(pattern, "/proc/")
			switch {
			case isProcess && strings.HasPrefix(process, "self/"):
				// Of a process that is not dumpable, the files belong to root.
				info, err := os.Stat(b.hostPath(pattern))
				if err == nil && info.Mode()&0o004 == 0 && os.Geteuid() != 0 && have.Permitted&capability.SetOf(capability.DACReadSearch, capability.DACOverride) == 0 {
					b.needs.Exceptions[seal.Dumpable] = fmt.Sprintf("%s reads %s", u.Spec.Name, pattern)
				}
			case isProcess && hidden && (strings.HasPrefix(process, "1/") || strings.HasPrefix(process, "[0-9]")) && have.Permitted.Has(capability.SysPtrace):
				// A Landlock domain forbids ptrace, by which hidepid decides.
				b.needs.Exceptions[seal.Landlock] = fmt.Sprintf("%s reads processes that hidepid hides", u.Spec.Name)
			}
		}
	}
}

// literalPrefix returns a path, or of a pattern the directory above the first element
// with a wildcard.
func literalPrefix(pattern string) string {
	i := strings.IndexAny(pattern, `*?[\`)
	if i < 0 {
		return pattern
	}
	dir := pattern[:strings.LastIndexByte(pattern[:i], '/')+1]
	if dir == "" {
		return "."
	}
	return filepath.Clean(dir)
}

// escapePattern returns a pattern that matches a path only.
func escapePattern(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// A mount is a line of the mount table.
type mount struct{ point, fsType, options string }

// hidesProcesses reports whether a procfs shows only the processes that the reader may
// trace.
func (m mount) hidesProcesses() bool {
	for option := range strings.SplitSeq(m.options, ",") {
		if mode, ok := strings.CutPrefix(option, "hidepid="); ok {
			return mode != "0" && mode != "off"
		}
	}
	return false
}

// readMountTable returns the mounts of the host, or of the exporter's own namespace if
// it cannot read those of process 1: both, because either may be the one that counts.
func readMountTable(h *host.Host) (mounts []mount) {
	r := h.Proc.Reader()
	for _, process := range []string{"1", "self"} {
		table, err := r.Read(process, "mountinfo")
		if err != nil {
			continue
		}
		for line := range bytes.Lines(table) {
			left, right, _ := bytes.Cut(line, []byte(" - "))
			l, r := bytes.Fields(left), bytes.Fields(right)
			if len(l) < 5 || len(r) < 3 {
				continue
			}
			point, _ := scan.UnescapeOctal(l[4])
			mounts = append(mounts, mount{point, string(r[0]), string(r[2])})
		}
	}
	return mounts
}
