// Package web is the HTTP side of the exporter: which units a request wants,
// in which format and compression, and how long anybody may take.
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
	_ "github.com/prometheus/client_golang/prometheus/promhttp/zstd" // teaches promhttp the encoding
	"github.com/prometheus/common/expfmt"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
)

// textFormat is the content type of the fast road.
const textFormat = "text/plain; version=0.0.4; charset=utf-8"

// Metrics serves scrapes.
type Metrics struct {
	engine        *scrape.Engine
	current       func() ([]*collect.Unit, *expect.Set)
	known         func(name string) bool
	log           log.Logger
	slots         chan struct{} // one for each scrape in progress; nil: no limit
	writers       writers
	rejectedCount atomic.Uint64
	telemetry     *telemetry
	buffers       sync.Pool // of *[]byte
}

// A MetricsConfig is what a Metrics is made of.
type MetricsConfig struct {
	Engine      *scrape.Engine
	Current     func() ([]*collect.Unit, *expect.Set) // the enabled ones, and what is expected of them
	Known       func(name string) bool                // whether there is a collector of that name, enabled or not
	Log         log.Logger
	MaxRequests int  // at the same time; 0: no limit
	Telemetry   bool // serve promhttp_*
}

// NewMetrics returns the handler of the telemetry path.
func NewMetrics(c MetricsConfig) *Metrics {
	m := &Metrics{
		engine: c.Engine, current: c.Current, known: c.Known, log: c.Log,
		telemetry: newTelemetry(),
		buffers:   sync.Pool{New: func() any { return new([]byte) }},
	}
	if c.MaxRequests > 0 {
		m.slots = make(chan struct{}, c.MaxRequests)
	}
	set := c.Engine.Families()
	rejected := set.Counter("host_exporter_scrapes_rejected_total", "Scrapes that were refused because too many were being served (--web.max-requests).")
	c.Engine.OnScrape(func(out *metric.Sink) { out.Emit(rejected, float64(m.rejectedCount.Load())) })
	if c.Telemetry {
		m.telemetry.declare(set)
		c.Engine.OnScrape(m.telemetry.emit)
	}
	return m
}

// ServeHTTP implements http.Handler.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.telemetry.begin()
	code := http.StatusInternalServerError // should it panic
	defer func() { m.telemetry.end(code) }()
	code = m.serve(w, r)
}

func (m *Metrics) serve(w http.ResponseWriter, r *http.Request) int {
	start := time.Now()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return fail(w, http.StatusMethodNotAllowed, "only GET and HEAD are served here")
	}
	query := r.URL.Query()
	req := scrape.Request{Deadline: scrape.Deadline(start, r.Header.Get(scrape.TimeoutHeader))}
	var err error
	req.Units, req.Expect = m.current()
	if req.Units, err = m.selectUnits(req.Units, query["collect[]"], query["exclude[]"]); err != nil {
		return fail(w, http.StatusBadRequest, err.Error())
	}
	req.Filtered = len(query["collect[]"])+len(query["exclude[]"]) > 0
	if names := query["name[]"]; len(names) > 0 {
		req.Want = func(name string) bool { return slices.Contains(names, name) }
	}
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", textFormat)
		return http.StatusOK
	}
	if !m.acquire() {
		m.rejectedCount.Add(1)
		return fail(w, http.StatusServiceUnavailable, "too many scrapes at the same time: the limit is "+strconv.Itoa(cap(m.slots)))
	}
	body := m.buffers.Get().(*[]byte)
	defer m.buffers.Put(body)
	code := m.render(body, w.Header(), r, req, query.Get("checked") != "")
	m.release() // before writing: a client that does not read holds no place
	if r.Context().Err() != nil {
		return code
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(*body)))
	m.writers.write(w, code, *body)
	return code
}

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

func fail(w http.ResponseWriter, code int, text string) int {
	http.Error(w, text, code)
	return code
}

// selectUnits returns the units that collect[] and exclude[] leave.
func (m *Metrics) selectUnits(units []*collect.Unit, collects, excludes []string) ([]*collect.Unit, error) {
	if len(collects) == 0 && len(excludes) == 0 {
		return units, nil
	}
	if len(collects) > 0 && len(excludes) > 0 {
		return nil, fmt.Errorf("collect[] and exclude[] cannot be used in one request")
	}
	for _, name := range append(collects, excludes...) {
		if !m.known(name) {
			return nil, fmt.Errorf("unknown collector: %q", name)
		}
	}
	var chosen []*collect.Unit
	for _, name := range collects {
		u := collect.UnitByName(units, name)
		if u == nil {
			return nil, fmt.Errorf("disabled collector: %q", name)
		}
		if !slices.Contains(chosen, u) {
			chosen = append(chosen, u)
		}
	}
	for _, u := range units {
		if len(excludes) > 0 && !slices.Contains(excludes, u.Spec.Name) {
			chosen = append(chosen, u)
		}
	}
	return chosen, nil
}

// render scrapes into body and sets the headers that describe it.
func (m *Metrics) render(body *[]byte, header http.Header, r *http.Request, req scrape.Request, checked bool) int {
	if checked || !acceptsText(r.Header) {
		return m.renderOrdinary(body, header, r, req, checked)
	}
	text := m.buffers.Get().(*[]byte)
	defer m.buffers.Put(text)
	*text = m.engine.AppendText(r.Context(), (*text)[:0], req)
	header.Set("Content-Type", textFormat)
	compress(body, text, header, r.Header.Get("Accept-Encoding"))
	return http.StatusOK
}

// acceptsText reports whether the fast road may be taken: whenever the client
// can read the text format, unless it prefers protobuf to it. A client that
// prefers OpenMetrics and can read text, as Prometheus does, gets text: the
// names of some inherited counters would change with OpenMetrics.
func acceptsText(h http.Header) bool {
	accept := strings.Join(h.Values("Accept"), ",")
	if strings.Contains(accept, "application/openmetrics-text") &&
		!strings.Contains(accept, "text/plain") && !strings.Contains(accept, "*/*") && !strings.Contains(accept, "text/*") {
		return false
	}
	return expfmt.NegotiateAccept(h, expfmt.NewFormat(expfmt.TypeTextPlain), expfmt.NewFormat(expfmt.TypeProtoDelim)).FormatType() == expfmt.TypeTextPlain
}

// renderOrdinary serves through client_golang's registry and promhttp: OpenMetrics,
// protobuf, and text that went through the consistency checks.
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

// recorder keeps a response, so that writing it is in one hand.
type recorder struct {
	header http.Header
	code   int
	body   *bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(code int)        { r.code = code }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

type promLog struct{ log.Logger }

func (l promLog) Println(v ...any) {
	_ = level.Error(l.Logger).Log("msg", "Serving a scrape", "err", strings.TrimSpace(fmt.Sprintln(v...)))
}
