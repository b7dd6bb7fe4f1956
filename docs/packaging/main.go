// Command packaging builds what a version of host_exporter publishes: archives,
// packages of four kinds, an image, bills of materials and checksums. The same
// commit and the same Go give the same bytes in any folder.
//
// It is a module of its own, so that its libraries are none of the exporter's.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:]); err != nil {
		log.Fatal("packaging: ", err)
	}
}

func run(args []string) error {
	if len(args) > 0 && args[0] == "push" {
		return runPush(args[1:])
	}
	flags := flag.NewFlagSet("packaging", flag.ContinueOnError)
	root := flags.String("root", "../..", "`folder` of the checkout")
	out := flags.String("out", "", "`folder` for the files; it must be empty or absent")
	only := flags.String("platforms", "", "build these `platforms` of .promu.yml only, such as linux/amd64,linux/armv7")
	draft := flags.Bool("draft", false, "build without a date in CHANGELOG.md and with uncommitted changes")
	rootfs := flags.String("rootfs", "", "`folder` with ARCH.tar, the file systems of a distribution, for the image with a shell")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" || flags.NArg() > 0 {
		return errors.New("usage: packaging -out FOLDER [-platforms LIST] [-rootfs FOLDER] [-draft], or packaging push IMAGE.tar REFERENCE")
	}
	r, err := newRelease(*root, *out, *draft)
	if err != nil {
		return err
	}
	if *only != "" {
		if err := r.keep(strings.Split(*only, ",")); err != nil {
			return err
		}
	}
	r.rootfs = *rootfs
	return r.build()
}

// A release is what one commit publishes.
type release struct {
	root     string // the checkout
	out      string
	rootfs   string // folder of file systems for the image with a shell, or ""
	version  string // of the file VERSION
	revision string
	date     time.Time // of the commit
	promu    promu
	changes  []changes

	targets  []*target
	manual   manual
	licenses []byte // of the modules in the program
}

// A target is the program for one platform.
type target struct {
	platform
	binary string // path of the program
}

func newRelease(root, out string, draft bool) (*release, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if out, err = filepath.Abs(out); err != nil {
		return nil, err
	}
	if old, err := os.ReadDir(out); err == nil && len(old) > 0 {
		return nil, fmt.Errorf("%s: want an empty folder", out)
	}
	r := &release{root: root, out: out}
	version, err := os.ReadFile(filepath.Join(root, "VERSION"))
	if err != nil {
		return nil, err
	}
	r.version = strings.TrimSpace(string(version))
	if err := r.readCommit(draft); err != nil {
		return nil, err
	}
	if r.promu, err = readPromu(filepath.Join(root, ".promu.yml")); err != nil {
		return nil, err
	}
	if r.changes, err = readChangelog(filepath.Join(root, "CHANGELOG.md")); err != nil {
		return nil, err
	}
	if len(r.changes) == 0 || r.changes[0].version != r.version {
		return nil, fmt.Errorf("CHANGELOG.md: want a first section of version %s", r.version)
	}
	if r.changes[0].date.IsZero() {
		if !draft {
			return nil, fmt.Errorf("CHANGELOG.md: want a date for version %s, such as \"## %[1]s / 2006-01-02\"; -draft builds without it", r.version)
		}
		r.changes[0].date = r.date
	}
	for _, p := range r.promu.platforms {
		r.targets = append(r.targets, &target{platform: p})
	}
	return r, nil
}

// readCommit finds the revision and its time. SOURCE_DATE_EPOCH takes precedence
// over the time, and is enough without git.
func (r *release) readCommit(draft bool) error {
	if text := os.Getenv("SOURCE_DATE_EPOCH"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("SOURCE_DATE_EPOCH: want seconds since 1970, have %q", text)
		}
		r.date = time.Unix(seconds, 0).UTC()
	}
	show, err := command(r.root, nil, "git", "log", "-1", "--format=%H %ct")
	if err != nil {
		if r.date.IsZero() {
			return fmt.Errorf("want a git checkout or SOURCE_DATE_EPOCH: %w", err)
		}
		r.revision = "unknown"
		return nil
	}
	revision, seconds, _ := strings.Cut(strings.TrimSpace(string(show)), " ")
	r.revision = revision
	if r.date.IsZero() {
		n, err := strconv.ParseInt(seconds, 10, 64)
		if err != nil {
			return err
		}
		r.date = time.Unix(n, 0).UTC()
	}
	changed, err := command(r.root, nil, "git", "status", "--porcelain")
	if err == nil && len(changed) > 0 {
		if !draft {
			return errors.New("the checkout has uncommitted changes; -draft builds with them")
		}
		r.revision += "-modified"
	}
	return nil
}

// keep keeps the named platforms only.
func (r *release) keep(names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(r.targets, func(t *target) bool { return t.name() == name }) {
			return fmt.Errorf("%s: no such platform in .promu.yml", name)
		}
	}
	r.targets = slices.DeleteFunc(r.targets, func(t *target) bool { return !slices.Contains(names, t.name()) })
	return nil
}

// build writes all files.
func (r *release) build() error {
	work, err := os.MkdirTemp("", "host_exporter-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	for _, t := range r.targets {
		log.Printf("build %s", t.name())
		t.binary = filepath.Join(work, t.short(), "host_exporter")
		if err := r.compile(t.platform, t.binary); err != nil {
			return err
		}
	}
	native := filepath.Join(work, "native", "host_exporter")
	if err := r.compile(nativePlatform(), native); err != nil {
		return err
	}
	if r.manual, err = readManual(r.root, native); err != nil {
		return err
	}
	if r.licenses, err = r.readLicenses(); err != nil {
		return err
	}
	for _, t := range r.targets {
		log.Printf("pack %s", t.name())
		if err := r.writeArchives(t); err != nil {
			return err
		}
		if err := r.writePackages(t, work); err != nil {
			return err
		}
		if err := r.writeBill(t); err != nil {
			return err
		}
	}
	log.Print("pack images")
	if err := r.writeImages(work); err != nil {
		return err
	}
	if err := r.writeChart(); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.out, "release-notes.md"), []byte(r.changes[0].text), 0o644); err != nil {
		return err
	}
	return writeChecksums(r.out)
}

// command runs a program in a folder and returns its output.
func command(dir string, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}
