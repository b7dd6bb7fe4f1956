package nvme

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/nvmefs"
)

// rereadEvery is how many readings pass between two looks at the sizes of a
// namespace and its paths. The namespaces take turns.
const rereadEvery = 16

const sectorSize = 512

// sizes are the size of a namespace and those of its paths, which are the same
// unless the namespace grew and a controller did not notice.
type sizes struct {
	turn   uint64
	due    bool // at this reading
	failed bool // one of them could not be read
	paths  []pathSize

	compared bool
	differ   []pathSize
}

type pathSize struct {
	path    string
	sectors uint64
}

func newSizes(turn int) sizes { return sizes{turn: uint64(turn), due: true, failed: true} }

// begin starts a reading. Sizes are read when it is their turn, and as long as
// they differ or cannot be read.
func (s *sizes) begin(round uint64) {
	s.due = s.failed || len(s.differ) > 0 || (round+s.turn)%rereadEvery == 0
	if s.due {
		s.paths, s.failed = s.paths[:0], false
	}
}

func (s *sizes) readPath(a attr.Reader, controller, path string) {
	if !s.due {
		return
	}
	before := a.ErrorCount()
	if v, ok := a.Uint(nvmefs.ClassDir, controller, path, "size"); ok {
		s.paths = append(s.paths, pathSize{path, v})
	}
	s.failed = s.failed || a.ErrorCount() > before
}

// compare compares the sizes that were read with that of the namespace.
func (s *sizes) compare(a attr.Reader, subsystem, namespace string) {
	if !s.due || subsystem == "" {
		return
	}
	before := a.ErrorCount()
	sectors, ok := a.Uint(nvmefs.SubsystemDir, subsystem, namespace, "size")
	s.failed = s.failed || a.ErrorCount() > before
	s.compared, s.differ = ok && len(s.paths) > 0, s.differ[:0]
	for _, p := range s.paths {
		if ok && p.sectors != sectors {
			s.differ = append(s.differ, p)
		}
	}
}

// agreementFamilies are the families about a namespace and its paths, which should
// agree.
type agreementFamilies struct {
	mismatched *metric.Family
	pathSize   *metric.Family
	missing    *metric.Family
}

func newAgreementFamilies(m *metric.Set) agreementFamilies {
	return agreementFamilies{
		mismatched: m.Gauge("node_hba_nvme_mismatched_paths", "Paths to a namespace that do not have its size.", "attribute", "device"),
		pathSize:   m.Gauge("node_hba_nvme_path_size_bytes", "Size of a path that does not have the size of its namespace.", "device", "path"),
		missing:    m.Gauge("node_hba_nvme_missing_paths", "Controllers of the subsystem over which no path leads to the namespace.", "device"),
	}
}

func (f *agreementFamilies) emit(a attr.Reader, h *head) {
	if h.sizes.compared {
		a.Out.Emit(f.mismatched, float64(len(h.sizes.differ)), "size", h.name)
	}
	for _, p := range h.sizes.differ {
		a.Out.Emit(f.pathSize, float64(p.sectors)*sectorSize, h.name, p.path)
	}
}
