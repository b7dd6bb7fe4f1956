package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"text/template"
	"time"

	"github.com/goccy/go-yaml"
)

// promu is what .promu.yml has for a release: promu and this program build the same
// binaries of the same platforms.
type promu struct {
	flags     []string
	ldflags   *template.Template
	files     []string // in archives, in addition to the binary
	platforms []platform
}

// A platform is an entry of the list in .promu.yml, such as linux/armv7.
type platform struct {
	arch string // GOARCH
	arm  string // GOARM, or ""
}

func nativePlatform() platform { return platform{arch: runtime.GOARCH} }

func parsePlatform(name string) (platform, error) {
	system, arch, _ := strings.Cut(name, "/")
	if system != "linux" || arch == "" || strings.Contains(arch, "/") {
		return platform{}, fmt.Errorf("want a platform such as linux/amd64, have %q", name)
	}
	if version, ok := strings.CutPrefix(arch, "armv"); ok {
		return platform{arch: "arm", arm: version}, nil
	}
	return platform{arch: arch}, nil
}

// short is the name in files, such as armv7.
func (p platform) short() string {
	if p.arm != "" {
		return "armv" + p.arm
	}
	return p.arch
}

func (p platform) name() string { return "linux/" + p.short() }

// readPromu reads the file, and refuses what would make binaries differ from
// machine to machine.
func readPromu(file string) (promu, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return promu{}, err
	}
	var doc struct {
		Build struct {
			Flags   string `yaml:"flags"`
			LDFlags string `yaml:"ldflags"`
		} `yaml:"build"`
		Tarball struct {
			Files []string `yaml:"files"`
		} `yaml:"tarball"`
		Crossbuild struct {
			Platforms []string `yaml:"platforms"`
		} `yaml:"crossbuild"`
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return promu{}, fmt.Errorf("%s: %w", file, err)
	}
	p := promu{flags: strings.Fields(doc.Build.Flags), files: doc.Tarball.Files}
	// promu also has the functions user and host: they are of the machine.
	p.ldflags, err = template.New(path.Base(file)).
		Funcs(template.FuncMap{"date": time.Time{}.Format}).
		Parse(strings.Join(strings.Fields(doc.Build.LDFlags), " "))
	if err != nil {
		return promu{}, fmt.Errorf("%s: build.ldflags: %w", file, err)
	}
	for _, name := range doc.Crossbuild.Platforms {
		platform, err := parsePlatform(name)
		if err != nil {
			return promu{}, fmt.Errorf("%s: crossbuild.platforms: %w", file, err)
		}
		p.platforms = append(p.platforms, platform)
	}
	return p, nil
}

// linkerFlags returns build.ldflags for a release.
func (r *release) linkerFlags() (string, error) {
	t, err := r.promu.ldflags.Clone()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Funcs(template.FuncMap{"date": r.date.Format}).Execute(&b, struct{ Version, Revision, Branch string }{
		r.version, r.revision, "v" + r.version,
	})
	return b.String(), err
}

// compile builds the program. Nothing of the environment but the toolchain decides
// about the result.
func (r *release) compile(p platform, binary string) error {
	ldflags, err := r.linkerFlags()
	if err != nil {
		return err
	}
	args := append([]string{"build", "-buildvcs=false", "-ldflags", ldflags, "-o", binary}, r.promu.flags...)
	env := []string{
		"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + p.arch, "GOARM=" + p.arm, "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off",
		"GO386=", "GOAMD64=", "GOARM64=", "GOMIPS=", "GOMIPS64=", "GOPPC64=", "GORISCV64=",
	}
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return err
	}
	_, err = command(r.root, env, "go", append(args, ".")...)
	return err
}
