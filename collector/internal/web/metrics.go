package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
)

// textFormat is the content type of the fast road.
const textFormat = "text/plain; version=0.0.4; charset=utf-8"

// Metrics is the handler of the telemetry path.
type Metrics struct {
	engine        *scrape.Engine
	current       func() ([]*collect.Unit, *expect.Set)
	health        func(filtered bool) *scrape.Health
	known         func(name string) bool
	log           log.Logger
	slots         chan struct{} // has an element for each scrape in progress; nil: no limit
	rendering     chan struct{} // has an element while a response is rendered
	writers       writers
	rejectedCount atomic.Uint64
	maxOrdinary   int
	withoutHelp   bool
	served        func()
	telemetry     *telemetry
	compressor    *compressor
	texts, bodies sync.Pool // of *[]byte: what is rendered, and what it is compressed to
	lastAccept    atomic.Pointer[accept]
}

// A MetricsConfig is the configuration of a Metrics.
type MetricsConfig struct {
	Engine      *scrape.Engine
	Current     func() ([]*collect.Unit, *expect.Set) // the enabled units and the expectations
	Health      func(filtered bool) *scrape.Health    // the health rules to export; nil: none, and so is its result
	Known       func(name string) bool                // whether a collector exists, enabled or not
	Log         log.Logger
	MaxRequests int    // maximum number of scrapes at once; 0: no limit
	Telemetry   bool   // export promhttp_*
	WithoutHelp bool   // leave out the HELP lines on the fast road
	Served      func() // called after each scrape; nil: none

	Connections *Connections
	MaxWaiting  int64 // maximum size of all responses that wait for their clients to read, in bytes
	MaxOrdinary int   // maximum number of samples of a response that is not rendered as text; 0: no maximum
}

// NewMetrics returns the handler of the telemetry path.
func NewMetrics(c MetricsConfig) *Metrics {
	m := &Metrics{
		engine: c.Engine, current: c.Current, health: c.Health, known: c.Known, log: c.Log,
		rendering:   make(chan struct{}, 1),
		writers:     writers{max: max(1, min(maxWriters, c.Connections.max/4)), maxBytes: c.MaxWaiting},
		maxOrdinary: c.MaxOrdinary,
		withoutHelp: c.WithoutHelp,
		served:      c.Served,
		telemetry:   newTelemetry(),
		compressor:  newCompressor(),
		texts:       sync.Pool{New: func() any { return new([]byte) }},
		bodies:      sync.Pool{New: func() any { return new([]byte) }},
	}
	if c.MaxRequests > 0 {
		m.slots = make(chan struct{}, c.MaxRequests)
	}
	set := c.Engine.Families()
	rejectedTotal := set.Counter("host_exporter_scrapes_rejected_total", "Scrapes rejected because --web.max-requests were in progress.")
	closedTotal := set.Counter("host_exporter_connections_closed_total", "Connections closed because clients had too many open.")
	c.Engine.OnScrape(func(out *metric.Sink) {
		out.Emit(rejectedTotal, float64(m.rejectedCount.Load()))
		out.Emit(closedTotal, float64(c.Connections.closedCount.Load()))
	})
	if c.Telemetry {
		m.telemetry.declare(set)
		c.Engine.OnScrape(m.telemetry.emit)
	}
	return m
}

// ServeHTTP implements http.Handler.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.telemetry.begin()
	code := http.StatusInternalServerError // if serve panics
	defer func() { m.telemetry.end(code) }()
	code = m.serve(w, r)
}

func (m *Metrics) serve(w http.ResponseWriter, r *http.Request) int {
	start := time.Now()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return fail(w, http.StatusMethodNotAllowed, "use GET or HEAD")
	}
	dropLongAccept(r.Header)
	query := r.URL.Query()
	req := scrape.Request{Deadline: scrape.Deadline(start, r.Header.Get(scrape.TimeoutHeader))}
	var err error
	enabled, expectations := m.current()
	if req.Units, err = m.selectUnits(enabled, query["collect[]"], query["exclude[]"]); err != nil {
		return fail(w, http.StatusBadRequest, err.Error())
	}
	req.Expect, req.Filtered = expectations, len(req.Units) < len(enabled)
	if m.health != nil {
		req.Health = m.health(req.Filtered)
	}
	if names := query["name[]"]; len(names) > 0 {
		wanted := map[string]bool{}
		for _, name := range names {
			wanted[name] = true
		}
		req.Want = func(name string) bool { return wanted[name] }
	}
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", textFormat)
		return http.StatusOK
	}
	if !m.acquire() {
		m.rejectedCount.Add(1)
		return fail(w, http.StatusServiceUnavailable, "too many scrapes at once, the limit is "+strconv.Itoa(cap(m.slots)))
	}
	defer protect(r)()
	response, pool, code := m.prepare(w, r, req, query.Get("checked") != "")
	defer pool.Put(response.buffer)
	m.writers.finish(response, code)
	if m.served != nil {
		m.served()
	}
	return code
}

// prepare scrapes and renders a response, with a slot and one response at a
// time: the memory of the responses that wait and of one more is all there is.
// It holds neither while the response is written, since the client may not read. The
// buffer of the response is to be put into the returned pool.
func (m *Metrics) prepare(w http.ResponseWriter, r *http.Request, req scrape.Request, checked bool) (response *writer, pool *sync.Pool, code int) {
	defer m.release()
	var text *[]byte
	req.Buffer = func() []byte {
		if text == nil {
			m.rendering <- struct{}{}
			text = m.texts.Get().(*[]byte)
		}
		return (*text)[:0]
	}
	defer func() {
		if text != nil {
			<-m.rendering
		}
	}()
	// A client may have closed its sending side only, which cancels the
	// request's context as well. It still reads.
	r = r.WithContext(context.WithoutCancel(r.Context()))
	rendered, code := m.render(w.Header(), r, req, checked)
	req.Buffer() // if there was nothing to render
	*text = rendered
	body := m.bodies.Get().(*[]byte)
	if m.compressor.compress(body, *text, w.Header(), r.Header.Values("Accept-Encoding")) {
		m.texts.Put(text)
		pool = &m.bodies
	} else {
		m.bodies.Put(body)
		body, pool = text, &m.texts
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(*body)))
	return m.writers.add(w, body), pool, code
}

// acquire takes a slot, and reports whether there is one.
func (m *Metrics) acquire() bool {
	if m.slots == nil {
		return true
	}
	select {
	case m.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (m *Metrics) release() {
	if m.slots != nil {
		<-m.slots
	}
}

// fail responds with an error, and returns its code.
func fail(w http.ResponseWriter, code int, text string) int {
	http.Error(w, text, code)
	return code
}

// selectUnits returns the units in collect[], or those not in exclude[]. An
// unknown name in collect[] is an error; in exclude[] it is ignored, as in
// node_exporter, since a configuration of Prometheus may exclude collectors that
// only some versions have.
func (m *Metrics) selectUnits(units []*collect.Unit, collects, excludes []string) ([]*collect.Unit, error) {
	if len(collects) == 0 && len(excludes) == 0 {
		return units, nil
	}
	if len(collects) > 0 && len(excludes) > 0 {
		return nil, fmt.Errorf("collect[] and exclude[] cannot be used in one request")
	}
	for _, name := range collects {
		if !m.known(name) {
			return nil, fmt.Errorf("unknown collector: %q", name)
		}
	}
	var selected []*collect.Unit
	for _, name := range collects {
		u := collect.UnitByName(units, name)
		if u == nil {
			return nil, fmt.Errorf("disabled collector: %q", name)
		}
		if !slices.Contains(selected, u) {
			selected = append(selected, u)
		}
	}
	for _, u := range units {
		if len(excludes) > 0 && !slices.Contains(excludes, u.Spec.Name) {
			selected = append(selected, u)
		}
	}
	return selected, nil
}

// render scrapes, and returns the response before compression. It sets headers.
func (m *Metrics) render(header http.Header, r *http.Request, req scrape.Request, checked bool) ([]byte, int) {
	if checked || !m.acceptsText(r.Header) {
		if !m.isLarge(r.Context(), req) {
			return m.renderOrdinary(header, r, req, checked)
		}
		if checked || !acceptsPlain(acceptQualities(r.Header)) {
			header.Set("Content-Type", "text/plain; charset=utf-8")
			return fmt.Appendf(nil, "more than %d samples, within the memory limit, are in the text format only, and not checked\n", m.maxOrdinary), http.StatusNotAcceptable
		}
	}
	header.Set("Content-Type", textFormat)
	text := m.engine.AppendText(r.Context(), nil, req)
	if m.withoutHelp {
		text = dropHelp(text)
	}
	return text, http.StatusOK
}

// isLarge reports whether there are too many samples for renderOrdinary, which takes ten
// times the memory of text. The size of units that have not run yet is not
// known: they run.
func (m *Metrics) isLarge(ctx context.Context, req scrape.Request) bool {
	if m.maxOrdinary == 0 {
		return false
	}
	if slices.ContainsFunc(req.Units, func(u *collect.Unit) bool { return u.Status().Finished.IsZero() }) {
		m.engine.Observe(ctx, scrape.Request{Units: req.Units, Deadline: req.Deadline})
	}
	samples := 0
	for _, u := range req.Units {
		samples += u.Status().SampleCount
	}
	return samples > m.maxOrdinary
}

// renderOrdinary renders through client_golang's registry and promhttp:
// OpenMetrics, protobuf, and text with consistency checks.
func (m *Metrics) renderOrdinary(header http.Header, r *http.Request, req scrape.Request, checked bool) ([]byte, int) {
	reg := prometheus.NewRegistry()
	if checked {
		reg = prometheus.NewPedanticRegistry()
	}
	reg.MustRegister(m.engine.Collector(r.Context(), req))
	m.telemetry.promhttpUsed.Store(true)
	h := promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		ErrorLog:           promLog{m.log},
		ErrorHandling:      promhttp.ContinueOnError,
		Registry:           m.telemetry.errors,
		EnableOpenMetrics:  !m.acceptsText(r.Header),
		DisableCompression: true,
	})
	rec := &recorder{header: header, code: http.StatusOK, body: bytes.NewBuffer(nil), buffer: req.Buffer}
	h.ServeHTTP(rec, r)
	return rec.body.Bytes(), rec.code
}

// A recorder is a ResponseWriter that writes the body to a buffer.
type recorder struct {
	header http.Header
	code   int
	body   *bytes.Buffer
	buffer func() []byte // returns the memory for body
}

func (r *recorder) Header() http.Header  { return r.header }
func (r *recorder) WriteHeader(code int) { r.code = code }

func (r *recorder) Write(b []byte) (int, error) {
	if r.body.Len() == 0 {
		r.body = bytes.NewBuffer(r.buffer())
	}
	return r.body.Write(b)
}

// A promLog logs the errors of promhttp.
type promLog struct{ log.Logger }

func (l promLog) Println(v ...any) {
	_ = level.Error(l.Logger).Log("msg", "Cannot serve all metrics", "err", strings.TrimSpace(fmt.Sprintln(v...)))
}
