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
	_ "github.com/prometheus/client_golang/prometheus/promhttp/zstd" // registers the encoding with promhttp
	"github.com/prometheus/common/expfmt"

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
	known         func(name string) bool
	log           log.Logger
	slots         chan struct{} // has an element for each scrape in progress; nil: no limit
	writers       writers
	rejectedCount atomic.Uint64
	withoutHelp   bool
	telemetry     *telemetry
	compressor    *compressor
	buffers       sync.Pool // of *[]byte
}

// A MetricsConfig is the configuration of a Metrics.
type MetricsConfig struct {
	Engine      *scrape.Engine
	Current     func() ([]*collect.Unit, *expect.Set) // the enabled units and the expectations
	Known       func(name string) bool                // whether a collector exists, enabled or not
	Log         log.Logger
	MaxRequests int  // maximum number of scrapes at once; 0: no limit
	Telemetry   bool // export promhttp_*
	WithoutHelp bool // leave out the HELP lines on the fast road
}

// NewMetrics returns the handler of the telemetry path.
func NewMetrics(c MetricsConfig) *Metrics {
	m := &Metrics{
		engine: c.Engine, current: c.Current, known: c.Known, log: c.Log,
		withoutHelp: c.WithoutHelp, telemetry: newTelemetry(),
		compressor: newCompressor(),
		buffers:    sync.Pool{New: func() any { return new([]byte) }},
	}
	if c.MaxRequests > 0 {
		m.slots = make(chan struct{}, c.MaxRequests)
	}
	set := c.Engine.Families()
	rejectedTotal := set.Counter("host_exporter_scrapes_rejected_total", "Scrapes rejected because --web.max-requests were in progress.")
	c.Engine.OnScrape(func(out *metric.Sink) { out.Emit(rejectedTotal, float64(m.rejectedCount.Load())) })
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
	query := r.URL.Query()
	req := scrape.Request{Deadline: scrape.Deadline(start, r.Header.Get(scrape.TimeoutHeader))}
	var err error
	enabled, expectations := m.current()
	if req.Units, err = m.selectUnits(enabled, query["collect[]"], query["exclude[]"]); err != nil {
		return fail(w, http.StatusBadRequest, err.Error())
	}
	req.Expect, req.Filtered = expectations, len(req.Units) < len(enabled)
	if names := query["name[]"]; len(names) > 0 {
		req.Want = func(name string) bool { return slices.Contains(names, name) }
	}
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", textFormat)
		return http.StatusOK
	}
	if !m.acquire() {
		m.rejectedCount.Add(1)
		return fail(w, http.StatusServiceUnavailable, "too many scrapes at once, the limit is "+strconv.Itoa(cap(m.slots)))
	}
	body := m.buffers.Get().(*[]byte)
	defer m.buffers.Put(body)
	code := m.render(body, w.Header(), r, req, query.Get("checked") != "")
	m.release() // before writing, so that a client that does not read holds no slot
	if r.Context().Err() != nil {
		return code
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(*body)))
	m.writers.write(w, code, *body)
	return code
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

// render scrapes, writes the response to body, and sets its headers.
func (m *Metrics) render(body *[]byte, header http.Header, r *http.Request, req scrape.Request, checked bool) int {
	if checked || !acceptsText(r.Header) {
		return m.renderOrdinary(body, header, r, req, checked)
	}
	text := m.buffers.Get().(*[]byte)
	defer m.buffers.Put(text)
	*text = m.engine.AppendText(r.Context(), (*text)[:0], req)
	if m.withoutHelp {
		*text = dropHelp(*text)
	}
	header.Set("Content-Type", textFormat)
	m.compressor.compress(body, text, header, r.Header.Get("Accept-Encoding"))
	return http.StatusOK
}

// acceptsText reports whether the response is text, on the fast road: the
// client accepts text and does not prefer protobuf. A client that prefers
// OpenMetrics and accepts text, such as Prometheus, gets text: OpenMetrics
// would change the names of some inherited counters.
func acceptsText(h http.Header) bool {
	accept := strings.Join(h.Values("Accept"), ",")
	if strings.Contains(accept, "application/openmetrics-text") &&
		!strings.Contains(accept, "text/plain") && !strings.Contains(accept, "*/*") && !strings.Contains(accept, "text/*") {
		return false
	}
	return expfmt.NegotiateAccept(h, expfmt.NewFormat(expfmt.TypeTextPlain), expfmt.NewFormat(expfmt.TypeProtoDelim)).FormatType() == expfmt.TypeTextPlain
}

// renderOrdinary renders through client_golang's registry and promhttp:
// OpenMetrics, protobuf, and text with consistency checks.
func (m *Metrics) renderOrdinary(body *[]byte, header http.Header, r *http.Request, req scrape.Request, checked bool) int {
	reg := prometheus.NewRegistry()
	if checked {
		reg = prometheus.NewPedanticRegistry()
	}
	reg.MustRegister(m.engine.Collector(context.WithoutCancel(r.Context()), req))
	m.telemetry.promhttpUsed.Store(true)
	h := promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		ErrorLog:          promLog{m.log},
		ErrorHandling:     promhttp.ContinueOnError,
		Registry:          m.telemetry.errors,
		EnableOpenMetrics: !acceptsText(r.Header),
	})
	rec := &recorder{header: header, code: http.StatusOK, body: bytes.NewBuffer((*body)[:0])}
	h.ServeHTTP(rec, r)
	*body = rec.body.Bytes()
	return rec.code
}

// A recorder is a ResponseWriter that writes the body to a buffer.
type recorder struct {
	header http.Header
	code   int
	body   *bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(code int)        { r.code = code }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// A promLog logs the errors of promhttp.
type promLog struct{ log.Logger }

func (l promLog) Println(v ...any) {
	_ = level.Error(l.Logger).Log("msg", "Cannot serve all metrics", "err", strings.TrimSpace(fmt.Sprintln(v...)))
}
