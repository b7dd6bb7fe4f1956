package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ociPlatform returns a platform in the words of the OCI.
func (p platform) ociPlatform() *v1.Platform {
	variant := ""
	switch {
	case p.arm != "":
		variant = "v" + p.arm
	case p.arch == "arm64":
		variant = "v8"
	}
	return &v1.Platform{OS: "linux", Architecture: p.arch, Variant: variant}
}

// writeImages writes the images of all platforms: the program alone, and, for the
// platforms that rootfs has a file system of, the program on a distribution for
// checks that need a shell.
func (r *release) writeImages(work string) error {
	err := r.writeImage("", work, func(*target) (v1.Image, error) { return empty.Image, nil })
	if err != nil || r.rootfs == "" {
		return err
	}
	return r.writeImage("-debian", work, func(t *target) (v1.Image, error) {
		file := filepath.Join(r.rootfs, t.short()+".tar")
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		layer, err := tarball.LayerFromFile(file, tarball.WithMediaType(types.OCILayer))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return mutate.AppendLayers(empty.Image, layer)
	})
}

// writeImage writes an index of images, in the layout of the OCI and as one tar file.
// Platforms without a base are left out.
func (r *release) writeImage(suffix, work string, base func(*target) (v1.Image, error)) error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, t := range r.targets {
		from, err := base(t)
		if err != nil {
			return err
		}
		if from == nil {
			continue
		}
		image, err := r.image(t, from)
		if err != nil {
			return fmt.Errorf("image for %s: %w", t.name(), err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: t.ociPlatform()}})
	}
	folder := filepath.Join(work, "image"+suffix)
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	if err := path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": r.version + suffix})); err != nil {
		return err
	}
	files, err := readTree(folder, "")
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := writeTar(&b, files, r.date); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, fmt.Sprintf("host_exporter-%s%s.oci.tar", r.version, suffix)), b.Bytes(), 0o644)
}

// image adds the program to a base.
func (r *release) image(t *target, base v1.Image) (v1.Image, error) {
	binary, err := os.ReadFile(t.binary)
	if err != nil {
		return nil, err
	}
	license, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = writeTar(&b, []file{
		{"host_exporter", 0o755, binary}, {"LICENSE", 0o644, license}, {"LICENSES.third-party", 0o644, r.licenses},
	}, r.date)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(base, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: r.date}, CreatedBy: "host_exporter " + r.version}})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	p := t.ociPlatform()
	config.OS, config.Architecture, config.Variant = p.OS, p.Architecture, p.Variant
	config.Created = v1.Time{Time: r.date}
	config.Config = v1.Config{
		User: "65534:65534", Entrypoint: []string{"/host_exporter"}, ExposedPorts: map[string]struct{}{"9100/tcp": {}},
		Labels: map[string]string{
			"org.opencontainers.image.title":       "host_exporter",
			"org.opencontainers.image.description": summary,
			"org.opencontainers.image.version":     r.version,
			"org.opencontainers.image.revision":    r.revision,
			"org.opencontainers.image.created":     r.date.Format(time.RFC3339),
			"org.opencontainers.image.licenses":    "Apache-2.0",
			"org.opencontainers.image.source":      homepage,
			"org.opencontainers.image.vendor":      "host_exporter",
		},
	}
	for i := range config.History {
		config.History[i].Created = v1.Time{Time: r.date}
	}
	return mutate.ConfigFile(image, config)
}

// runPush sends an image that build has written to a registry, with the credentials of
// docker login.
func runPush(args []string) error {
	flags := flag.NewFlagSet("packaging push", flag.ContinueOnError)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return errors.New("usage: packaging push IMAGE.oci.tar REFERENCE, such as ghcr.io/hostexporter/host_exporter:1.2.3")
	}
	ref, err := name.ParseReference(flags.Arg(1))
	if err != nil {
		return err
	}
	index, remove, err := openImage(flags.Arg(0))
	if err != nil {
		return err
	}
	defer remove()
	if err := remote.WriteIndex(ref, index, remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	// The workflow signs what this prints.
	fmt.Printf("%s@%s\n", ref.Context().Name(), digest)
	return nil
}

// openImage unpacks a tar file of the OCI's layout, and returns the index of platforms
// in it. The caller calls remove when it is done.
func openImage(file string) (index v1.ImageIndex, remove func(), err error) {
	folder, err := os.MkdirTemp("", "host_exporter-image-")
	if err != nil {
		return nil, nil, err
	}
	remove = func() { os.RemoveAll(folder) }
	defer func() {
		if err != nil {
			remove()
		}
	}()
	in, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	if err := unpack(in, folder); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	outer, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	manifest, err := outer.IndexManifest()
	if err != nil {
		return nil, nil, err
	}
	if len(manifest.Manifests) != 1 {
		return nil, nil, fmt.Errorf("%s: want one index, have %d", file, len(manifest.Manifests))
	}
	index, err = outer.ImageIndex(manifest.Manifests[0].Digest)
	return index, remove, err
}
