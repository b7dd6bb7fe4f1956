package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A file is a part of an archive, a package or an image.
type file struct {
	path string
	mode fs.FileMode // and fs.ModeDir
	data []byte
}

// readTree returns a file, or the files below a folder, with paths below to. Modes
// are 0644, or 0755 if the owner may execute. Links stand for what they point to.
func readTree(from, to string) ([]file, error) {
	var all []file
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rest, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		if info.IsDir() {
			folder, err := filepath.EvalSymlinks(name)
			if err != nil {
				return err
			}
			tree, err := readTree(folder, path.Join(to, filepath.ToSlash(rest)))
			all = append(all, tree...)
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		all = append(all, file{path.Join(to, filepath.ToSlash(rest)), mode, data})
		return nil
	})
	return all, err
}

// writeTar writes files in the order of their paths, all of the same time and of root.
// Folders on their paths are entries, too.
func writeTar(w io.Writer, files []file, date time.Time) error {
	files = slices.Clone(files)
	known := map[string]bool{".": true, "/": true}
	for _, f := range files {
		if f.mode.IsDir() {
			known[f.path] = true
		}
	}
	for _, f := range slices.Clone(files) {
		for dir := path.Dir(f.path); !known[dir]; dir = path.Dir(dir) {
			known[dir] = true
			files = append(files, file{path: dir, mode: fs.ModeDir | 0o755})
		}
	}
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.path, b.path) })
	tw := tar.NewWriter(w)
	for _, f := range files {
		h := &tar.Header{Name: f.path, Mode: int64(f.mode.Perm()), Size: int64(len(f.data)), ModTime: date, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
		if f.mode.IsDir() {
			h.Typeflag, h.Name = tar.TypeDir, f.path+"/"
		}
		if err := tw.WriteHeader(h); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
		if _, err := tw.Write(f.data); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
	}
	return tw.Close()
}

// compress returns data in gzip's format, without a name or a time.
func compress(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (r *release) writeTarball(name string, files []file) error {
	var b bytes.Buffer
	if err := writeTar(&b, files, r.date); err != nil {
		return err
	}
	data, err := compress(b.Bytes())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, name), data, 0o644)
}

// writeArchives writes the archive, and one for installers of node_exporter, which
// has nothing but the program under that name and the licenses.
func (r *release) writeArchives(t *target) error {
	binary, err := os.ReadFile(t.binary)
	if err != nil {
		return err
	}
	for _, name := range []string{"host_exporter", "node_exporter"} {
		base := fmt.Sprintf("%s-%s.linux-%s", name, r.version, t.short())
		files := []file{
			{base + "/" + name, 0o755, binary},
			{base + "/LICENSES.third-party", 0o644, r.licenses},
		}
		list := r.promu.files
		if name == "node_exporter" {
			list = []string{"LICENSE"}
		} else {
			files = append(files, r.manual.files(base, base+"/completions")...)
		}
		for _, from := range list {
			tree, err := readTree(filepath.Join(r.root, from), base+"/"+path.Base(from))
			if err != nil {
				return err
			}
			files = append(files, tree...)
		}
		if err := r.writeTarball(base+".tar.gz", files); err != nil {
			return err
		}
	}
	return nil
}

// writeChart packs the chart for Kubernetes, if the checkout has one. Its version is
// that of the release.
func (r *release) writeChart() error {
	const name = "host-exporter"
	folder := filepath.Join(r.root, "docs/charts", name)
	files, err := readTree(folder, name)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for i, f := range files {
		if f.path == name+"/Chart.yaml" {
			if files[i].data, err = r.setChartVersion(f.data); err != nil {
				return fmt.Errorf("%s/Chart.yaml: %w", folder, err)
			}
		}
	}
	return r.writeTarball(name+"-"+r.version+".tgz", files)
}

// setChartVersion replaces the values of version and appVersion.
func (r *release) setChartVersion(text []byte) ([]byte, error) {
	var b strings.Builder
	found := 0
	for line := range strings.Lines(string(text)) {
		for _, key := range []string{"version", "appVersion"} {
			if strings.HasPrefix(line, key+":") {
				line = fmt.Sprintf("%s: %q\n", key, r.version)
				found++
			}
		}
		b.WriteString(line)
	}
	if found != 2 {
		return nil, fmt.Errorf("want version and appVersion, have %d of them", found)
	}
	return []byte(b.String()), nil
}

// writeChecksums writes sha256sums.txt for the files of a folder.
func writeChecksums(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(data), e.Name())
	}
	return os.WriteFile(filepath.Join(folder, "sha256sums.txt"), []byte(b.String()), 0o644)
}

// unpack writes the regular files of a tar file below a folder.
func unpack(in io.Reader, folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	tr := tar.NewReader(in)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(path.Clean(h.Name), 0o755)
		case tar.TypeReg:
			var data []byte
			if data, err = io.ReadAll(tr); err == nil {
				err = root.WriteFile(path.Clean(h.Name), data, fs.FileMode(h.Mode)&0o777)
			}
		}
		if err != nil {
			return err
		}
	}
}
