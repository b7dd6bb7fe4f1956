package storage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/nvmefs"
)

// nvmePatience is how long the controllers have to say what is in use. One
// that is well takes milliseconds; one that is not may keep a command for the
// minute after which the kernel resets it.
const nvmePatience = time.Second

// An nvmeUsage asks controllers how much of their namespaces is in use.
//
// The kernel makes an Identify command of each reading of nuse, at most one in
// five seconds for a namespace; so there is no need for an interval of our own.
// A reading cannot be broken off. So each controller is asked in a flight: all
// at once, never again before it has answered, and one that is late costs only
// its own samples. While a question is out, its driver cannot be unloaded.
type nvmeUsage struct {
	host        *host.Host
	patience    time.Duration
	controllers map[string]*nvmeInquiry
	asked       []*nvmeInquiry // in this reading, in order
}

// An nvmeInquiry is what is asked of one controller.
type nvmeInquiry struct {
	sys    *host.Reader // belongs to the run in progress
	flight flight.Flight[[]nvmeAnswer]
	run    *flight.Run[[]nvmeAnswer]

	controller string
	namespaces []nvmefs.Namespace
}

// An nvmeAnswer is what a controller said of one namespace.
type nvmeAnswer struct {
	namespace string
	blocks    uint64
	err       error
}

func newNvmeUsage(h *host.Host) nvmeUsage {
	return nvmeUsage{host: h, patience: nvmePatience, controllers: map[string]*nvmeInquiry{}}
}

// keep forgets controllers that are not among the names.
func (u *nvmeUsage) keep(names []string) {
	for name := range u.controllers {
		if !slices.Contains(names, name) {
			delete(u.controllers, name)
		}
	}
}

// ask starts to read the usage of a controller's namespaces, unless an earlier
// reading still is under way.
func (u *nvmeUsage) ask(controller string, namespaces []nvmefs.Namespace) {
	q := u.controllers[controller]
	if q == nil {
		q = &nvmeInquiry{controller: controller, sys: u.host.Sys.Reader()}
		u.controllers[controller] = q
	}
	q.namespaces = namespaces
	q.run, _ = q.flight.Go(func() ([]nvmeAnswer, error) {
		answers := make([]nvmeAnswer, 0, len(namespaces))
		for _, n := range namespaces {
			blocks, err := nvmefs.UsedBlocks(q.sys, controller, n.Name)
			answers = append(answers, nvmeAnswer{n.Name, blocks, err})
		}
		return answers, nil
	})
	u.asked = append(u.asked, q)
}

// wait emits what the controllers say that were asked.
func (u *nvmeUsage) wait(ctx context.Context, out *metric.Sink, used *metric.Family) {
	for _, q := range u.asked {
		if !q.run.Wait(ctx, q.run.StartTime.Add(u.patience)) {
			out.Error(fmt.Errorf("%s: nuse: no answer within %s", u.host.Sys.Path("class/nvme", q.controller), u.patience))
			continue
		}
		answers, err := q.run.Result()
		if err != nil {
			out.Error(fmt.Errorf("%s: nuse: %w", u.host.Sys.Path("class/nvme", q.controller), err))
		}
		for _, a := range answers {
			q.emit(a, out, used)
		}
	}
	u.asked = u.asked[:0]
}

// emit adds the sample of an answer, unless its namespace is another one by
// now: the answer may be to the question of an earlier reading.
func (q *nvmeInquiry) emit(a nvmeAnswer, out *metric.Sink, used *metric.Family) {
	i := slices.IndexFunc(q.namespaces, func(n nvmefs.Namespace) bool { return n.Name == a.namespace })
	switch {
	case i < 0 || host.Gone(a.err): // went away, or the kernel is older than 6.8
	case a.err != nil:
		out.Error(a.err)
	case q.namespaces[i].BlockSizeKnown:
		out.Emit(used, float64(a.blocks)*float64(q.namespaces[i].BlockSize), q.controller, q.namespaces[i].ID)
	}
}
