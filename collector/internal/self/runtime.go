package self

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A Runtime emits the go_* families: those of client_golang's default Go
// collector. It is safe for concurrent use.
type Runtime struct {
	info     *metric.Family
	threads  *metric.Family
	lastGC   *metric.Family
	pauses   *metric.Summary
	families []runtimeFamily

	mu      sync.Mutex
	samples []metrics.Sample
	gc      debug.GCStats
	values  []float64
}

// A runtimeFamily is the sum of values of package runtime/metrics.
type runtimeFamily struct {
	family  *metric.Family
	samples []int // indexes into Runtime.samples
}

// NewRuntime declares the families in set.
func NewRuntime(set *metric.Set) *Runtime {
	r := &Runtime{
		info:    set.Gauge("go_info", "Go version that built the exporter; always 1.", "version"),
		threads: set.Gauge("go_threads", "Threads that the Go runtime created."),
		lastGC:  set.Gauge("go_memstats_last_gc_time_seconds", "Time of the last garbage collection, as Unix time."),
		pauses:  set.Summary("go_gc_duration_seconds", "Pauses of the exporter for garbage collection, in seconds.", 0, 0.25, 0.5, 0.75, 1),
		values:  make([]float64, 5),
	}
	r.gc.PauseQuantiles = make([]time.Duration, 5)
	const (
		objects, unused   = "/memory/classes/heap/objects:bytes", "/memory/classes/heap/unused:bytes"
		free, released    = "/memory/classes/heap/free:bytes", "/memory/classes/heap/released:bytes"
		stacks, osStacks  = "/memory/classes/heap/stacks:bytes", "/memory/classes/os-stacks:bytes"
		mcache, mcacheTop = "/memory/classes/metadata/mcache/inuse:bytes", "/memory/classes/metadata/mcache/free:bytes"
		mspan, mspanTop   = "/memory/classes/metadata/mspan/inuse:bytes", "/memory/classes/metadata/mspan/free:bytes"
		tiny              = "/gc/heap/tiny/allocs:objects"
	)
	gauge := func(name, help string, samples ...string) { r.add(set.Gauge("go_"+name, help), samples) }
	counter := func(name, help string, samples ...string) { r.add(set.Counter("go_"+name, help), samples) }
	gauge("goroutines", "Goroutines of the exporter.", "/sched/goroutines:goroutines")
	gauge("sched_gomaxprocs_threads", "Maximum number of threads that run Go code at once (GOMAXPROCS).", "/sched/gomaxprocs:threads")
	gauge("gc_gogc_percent", "Heap growth that triggers a garbage collection, in percent (GOGC).", "/gc/gogc:percent")
	gauge("gc_gomemlimit_bytes", "Soft memory limit of the Go runtime (GOMEMLIMIT).", "/gc/gomemlimit:bytes")
	gauge("memstats_alloc_bytes", "Heap memory in use.", objects)
	counter("memstats_alloc_bytes_total", "Heap memory allocated since the start.", "/gc/heap/allocs:bytes")
	counter("memstats_mallocs_total", "Heap objects allocated since the start.", "/gc/heap/allocs:objects", tiny)
	counter("memstats_frees_total", "Heap objects freed since the start.", "/gc/heap/frees:objects", tiny)
	gauge("memstats_heap_alloc_bytes", "Heap memory in use, the same as go_memstats_alloc_bytes.", objects)
	gauge("memstats_heap_objects", "Heap objects.", "/gc/heap/objects:objects")
	gauge("memstats_heap_inuse_bytes", "Heap memory in spans in use.", objects, unused)
	gauge("memstats_heap_idle_bytes", "Heap memory in idle spans.", released, free)
	gauge("memstats_heap_released_bytes", "Heap memory returned to the system.", released)
	gauge("memstats_heap_sys_bytes", "Heap memory taken from the system.", objects, unused, released, free)
	gauge("memstats_next_gc_bytes", "Heap size that triggers the next garbage collection.", "/gc/heap/goal:bytes")
	gauge("memstats_stack_inuse_bytes", "Stack memory in use.", stacks)
	gauge("memstats_stack_sys_bytes", "Stack memory taken from the system.", stacks, osStacks)
	gauge("memstats_mcache_inuse_bytes", "Memory of mcache structures in use.", mcache)
	gauge("memstats_mcache_sys_bytes", "Memory of mcache structures taken from the system.", mcache, mcacheTop)
	gauge("memstats_mspan_inuse_bytes", "Memory of mspan structures in use.", mspan)
	gauge("memstats_mspan_sys_bytes", "Memory of mspan structures taken from the system.", mspan, mspanTop)
	gauge("memstats_buck_hash_sys_bytes", "Memory of profiling tables.", "/memory/classes/profiling/buckets:bytes")
	gauge("memstats_gc_sys_bytes", "Memory of garbage collection metadata.", "/memory/classes/metadata/other:bytes")
	gauge("memstats_other_sys_bytes", "Memory of the Go runtime for other purposes.", "/memory/classes/other:bytes")
	gauge("memstats_sys_bytes", "Total memory taken from the system.", "/memory/classes/total:bytes")
	return r
}

func (r *Runtime) add(f *metric.Family, names []string) {
	entry := runtimeFamily{family: f}
	for _, name := range names {
		i := 0
		for i < len(r.samples) && r.samples[i].Name != name {
			i++
		}
		if i == len(r.samples) {
			r.samples = append(r.samples, metrics.Sample{Name: name})
		}
		entry.samples = append(entry.samples, i)
	}
	r.families = append(r.families, entry)
}

// Emit emits the families whose values this Go version has.
func (r *Runtime) Emit(out *metric.Sink) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out.Emit(r.info, 1, runtime.Version())
	out.Emit(r.threads, float64(pprof.Lookup("threadcreate").Count()))
	metrics.Read(r.samples)
	for _, f := range r.families {
		sum, complete := 0.0, true
		for _, i := range f.samples {
			if complete = complete && r.samples[i].Value.Kind() == metrics.KindUint64; complete {
				sum += float64(r.samples[i].Value.Uint64())
			}
		}
		if complete {
			out.Emit(f.family, sum)
		}
	}
	debug.ReadGCStats(&r.gc)
	for i, pause := range r.gc.PauseQuantiles {
		r.values[i] = pause.Seconds()
	}
	out.EmitSummary(r.pauses, r.values, r.gc.PauseTotal.Seconds(), uint64(r.gc.NumGC))
	out.Emit(r.lastGC, float64(r.gc.LastGC.UnixNano())/1e9)
}
