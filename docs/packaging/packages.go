package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/apk"  // registers itself
	_ "github.com/goreleaser/nfpm/v2/arch" // registers itself
	_ "github.com/goreleaser/nfpm/v2/deb"  // registers itself
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm" // registers itself
)

const (
	packageName = "host-exporter" // names of Debian's packages have no underscores
	homepage    = "https://github.com/hostexporter/host_exporter"

	summary     = "Linux host metrics for Prometheus"
	description = `host_exporter exports the metrics of a Linux host to Prometheus. It takes
the place of node_exporter, with the same metrics, labels, flags and port.
In addition it monitors the SAN and runs custom checks within limits.`

	// replaced is the release of node_exporter whose place the packages take.
	replaced = "1.12.0"
)

// architectures are the names of architectures in each kind of package. Platforms that
// a distribution does not have are missing.
var architectures = map[string]map[string]string{
	"deb": {
		"amd64": "amd64", "arm64": "arm64", "386": "i386", "armv5": "armel", "armv7": "armhf",
		"mips64le": "mips64el", "ppc64le": "ppc64el", "riscv64": "riscv64", "s390x": "s390x", "loong64": "loong64",
	},
	"rpm": {
		"amd64": "x86_64", "arm64": "aarch64", "386": "i686", "armv7": "armv7hl",
		"ppc64le": "ppc64le", "riscv64": "riscv64", "s390x": "s390x", "loong64": "loongarch64",
	},
	"apk": {
		"amd64": "x86_64", "arm64": "aarch64", "386": "x86", "armv6": "armhf", "armv7": "armv7",
		"ppc64le": "ppc64le", "riscv64": "riscv64", "s390x": "s390x", "loong64": "loongarch64",
	},
	"archlinux": {
		"amd64": "x86_64", "arm64": "aarch64", "386": "i686", "armv6": "armv6h", "armv7": "armv7h",
		"riscv64": "riscv64", "loong64": "loong64",
	},
}

// writePackages writes the packages of a platform.
func (r *release) writePackages(t *target, work string) error {
	for _, format := range []string{"deb", "rpm", "apk", "archlinux"} {
		if arch, ok := architectures[format][t.short()]; ok {
			if err := r.writePackage(t, format, arch, filepath.Join(work, t.short(), format)); err != nil {
				return fmt.Errorf("%s for %s: %w", format, t.name(), err)
			}
		}
	}
	return nil
}

func (r *release) writePackage(t *target, format, arch, stage string) error {
	contents, err := r.contents(t, format, stage)
	if err != nil {
		return err
	}
	changelog, err := r.packageChangelog()
	if err != nil {
		return err
	}
	changelogFile := filepath.Join(stage, "changelog.yml")
	if err := os.WriteFile(changelogFile, changelog, 0o600); err != nil {
		return err
	}
	info := &nfpm.Info{
		Name: packageName, Arch: arch, Platform: "linux", Version: r.version, Release: "1",
		Section: "net", Priority: "optional", Maintainer: maintainer, Vendor: "host_exporter",
		Homepage: homepage, License: "Apache-2.0", Description: summary + "\n" + description,
		DisableGlobbing: true, MTime: r.date,
		Overridables: nfpm.Overridables{Contents: contents, Umask: 0o022},
	}
	scripts := func(name string) string { return filepath.Join(stage, "scripts", name) }
	if err := r.stageScripts(format, filepath.Join(stage, "scripts")); err != nil {
		return err
	}
	switch format {
	case "deb":
		info.Changelog = changelogFile
		info.Provides = []string{"prometheus-node-exporter (= " + replaced + ")"}
		info.Conflicts = []string{"prometheus-node-exporter"}
		info.Replaces = []string{"prometheus-node-exporter"}
		info.Recommends = []string{"dbus", "procps"} // procps has /bin/kill, for reloads
		info.Suggests = []string{"prometheus-node-exporter-collectors"}
		info.Deb.Arch, info.Deb.Compression = arch, "xz"
		info.Deb.Predepends = []string{"init-system-helpers (>= 1.54~)"}
		info.Scripts = nfpm.Scripts{PostInstall: scripts("postinst"), PreRemove: scripts("prerm"), PostRemove: scripts("postrm")}
	case "rpm":
		info.Changelog = changelogFile
		info.Description = description
		info.RPM = nfpm.RPM{Arch: arch, Summary: summary, BuildHost: "reproducible", Compression: "xz", Packager: maintainer, Group: "Applications/System"}
		for _, name := range []string{"node_exporter", "golang-github-prometheus-node-exporter"} {
			info.Provides = append(info.Provides, name+" = "+replaced)
			info.Conflicts = append(info.Conflicts, name)
			info.Replaces = append(info.Replaces, name+" < "+replaced)
		}
		info.Scripts = nfpm.Scripts{PostInstall: scripts("post"), PreRemove: scripts("preun"), PostRemove: scripts("postun")}
	case "apk":
		info.Description = summary
		info.APK.Arch = arch
		info.Scripts = nfpm.Scripts{PreInstall: scripts("pre-install"), PostInstall: scripts("post-install")}
	case "archlinux":
		info.Description = summary
		info.Provides = []string{"prometheus-node-exporter=" + replaced}
		info.Conflicts = []string{"prometheus-node-exporter"}
		info.ArchLinux = nfpm.ArchLinux{Arch: arch, Packager: maintainer}
		info.Scripts = nfpm.Scripts{PostInstall: scripts("post_install"), PreRemove: scripts("pre_remove")}
		info.ArchLinux.Scripts.PostUpgrade = scripts("post_upgrade")
	}
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		return err
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := packager.Package(info, &b); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, packager.ConventionalFileName(info)), b.Bytes(), 0o644)
}

// stageScripts copies the scripts of a kind of package, with the time of the release:
// nfpm takes it over.
func (r *release) stageScripts(format, stage string) error {
	scripts, err := readTree(filepath.Join(r.root, "docs/packaging/files", format), stage)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(stage, 0o755); err != nil {
		return err
	}
	for _, s := range scripts {
		if err := os.WriteFile(s.path, s.data, 0o644); err != nil {
			return err
		}
		if err := os.Chtimes(s.path, r.date, r.date); err != nil {
			return err
		}
	}
	return nil
}

// localPath is where a service installed by hand has the program and the scripts of
// checks. Packages have them in /usr.
var localPath = regexp.MustCompile(`/usr/local/(bin/host_exporter|lib/host_exporter)\b`)

func packagePath(text []byte) []byte { return localPath.ReplaceAll(text, []byte("/usr/$1")) }

// contents returns the files of a package. nfpm wants them in the file system: those
// that differ from the checkout are written to stage.
func (r *release) contents(t *target, format, stage string) (files.Contents, error) {
	binary, err := os.ReadFile(t.binary)
	if err != nil {
		return nil, err
	}
	page, err := compress(r.manual.page)
	if err != nil {
		return nil, err
	}
	third, err := compress(r.licenses)
	if err != nil {
		return nil, err
	}
	doc := "/usr/share/doc/" + packageName
	list := []file{
		{"/usr/bin/host_exporter", 0o755, binary},
		{"/usr/share/man/man1/host_exporter.1.gz", 0o644, page},
		{doc + "/third-party-licenses.gz", 0o644, third},
	}
	for shell, script := range r.manual.completions {
		folder := map[string]string{
			"bash": "/usr/share/bash-completion/completions/", "zsh": "/usr/share/zsh/site-functions/", "fish": "/usr/share/fish/vendor_completions.d/",
		}[shell]
		if format == "deb" && shell == "zsh" {
			folder = "/usr/share/zsh/vendor-completions/"
		}
		list = append(list, file{folder + completionNames[shell], 0o644, script})
	}

	add := func(from, to string) {
		if err != nil {
			return
		}
		var tree []file
		tree, err = readTree(filepath.Join(r.root, from), to)
		list = append(list, tree...)
	}
	const share = "/usr/share/host_exporter/"
	add("docs/host_exporter.yml", share+"host_exporter.yml")
	add("docs/health.yml", share+"health.yml")
	add("docs/checks", share+"checks")
	add("docs/checks/scripts", "/usr/lib/host_exporter/checks")
	add("docs/mixin", share+"mixin")
	add("docs/dashboards", share+"dashboards")
	add("docs/packaging/files/host_exporter.yml", "/etc/host_exporter/host_exporter.yml")
	if format == "apk" {
		add("docs/service/host_exporter.openrc", "/etc/init.d/host_exporter")
		add("docs/packaging/files/apk/host_exporter.confd", "/etc/conf.d/host_exporter")
	} else {
		add("docs/service/drop-ins", share+"drop-ins")
		add("docs/service/host_exporter.service", "/usr/lib/systemd/system/host_exporter.service")
		add("docs/service/sysusers.d/host_exporter.conf", "/usr/lib/sysusers.d/host_exporter.conf")
		add("docs/packaging/files/tmpfiles.conf", "/usr/lib/tmpfiles.d/host_exporter.conf")
		add("docs/packaging/files/options", share+"options")
	}
	if format == "deb" {
		add("docs/packaging/files/deb/copyright", doc+"/copyright")
		add("docs/packaging/files/deb/lintian-overrides", "/usr/share/lintian/overrides/"+packageName)
	} else {
		add("LICENSE", "/usr/share/licenses/"+packageName+"/LICENSE")
	}
	add("CHANGELOG.md", doc+"/changelog")
	if err != nil {
		return nil, err
	}
	var all files.Contents
	for _, f := range list {
		c := &files.Content{Destination: f.path, Type: files.TypeFile, FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: f.mode, MTime: r.date}}
		switch {
		case strings.HasPrefix(f.path, share+"checks/scripts/"):
			continue // they are in /usr/lib
		case strings.HasPrefix(f.path, "/etc/init.d/"):
			c.FileInfo.Mode = 0o755
		case strings.HasPrefix(f.path, "/etc/"):
			c.Type = files.TypeConfigNoReplace
		case f.path == doc+"/changelog":
			if f.data, err = compress(f.data); err != nil {
				return nil, err
			}
			c.Destination += ".gz"
		}
		if format == "rpm" {
			switch {
			case strings.HasPrefix(f.path, doc), strings.HasPrefix(f.path, "/usr/share/man/"):
				c.Type = files.TypeRPMDoc
			case strings.HasPrefix(f.path, "/usr/share/licenses/"):
				c.Type = files.TypeRPMLicense
			}
		}
		if f.path != "/usr/bin/host_exporter" {
			f.data = packagePath(f.data)
		}
		c.Source = filepath.Join(stage, filepath.FromSlash(c.Destination))
		if err := os.MkdirAll(filepath.Dir(c.Source), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(c.Source, f.data, 0o644); err != nil {
			return nil, err
		}
		c.FileInfo.Size = int64(len(f.data))
		all = append(all, c)
	}
	folders := []string{"/etc/host_exporter", "/etc/host_exporter/conf.d"}
	if format != "apk" {
		folders = append(folders, "/var/lib/prometheus/node-exporter")
	}
	for _, folder := range folders {
		all = append(all, &files.Content{Destination: folder, Type: files.TypeDir, FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: fs.ModeDir | 0o755, MTime: r.date}})
	}
	slices.SortFunc(all, func(a, b *files.Content) int { return strings.Compare(a.Destination, b.Destination) })
	return all, nil
}
