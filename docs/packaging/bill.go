package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/CycloneDX/cyclonedx-gomod/pkg/generate/bin"
	"github.com/google/uuid"
	"github.com/rs/zerolog"
)

// writeBill writes the bill of materials of a program, as CycloneDX: the modules in it,
// with their hashes.
func (r *release) writeBill(t *target) error {
	g, err := bin.NewGenerator(t.binary, bin.WithLogger(zerolog.Nop()), bin.WithIncludeStdlib(true), bin.WithVersionOverride("v"+r.version))
	if err != nil {
		return err
	}
	bom, err := g.Generate()
	if err != nil {
		return fmt.Errorf("bill of materials of %s: %w", t.name(), err)
	}
	// A number of its content instead of a random one: the same program has the same bill.
	bom.SerialNumber = uuid.NewSHA1(uuid.NameSpaceURL, []byte(bom.Metadata.Component.PackageURL+"#"+r.revision+"/"+t.short())).URN()
	bom.Metadata.Timestamp = r.date.Format(time.RFC3339)
	out, err := os.Create(filepath.Join(r.out, fmt.Sprintf("host_exporter-%s.linux-%s.cdx.json", r.version, t.short())))
	if err != nil {
		return err
	}
	defer out.Close()
	if err := cyclonedx.NewBOMEncoder(out, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return err
	}
	return out.Close()
}
