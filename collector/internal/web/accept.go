package web

import (
	"iter"
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/common/expfmt"
)

// qualities yields the elements of an Accept or Accept-Encoding header, in lower
// case and without parameters, with their qualities. Elements whose quality is
// not a number from 0 are left out. See RFC 9110, section 12.4.2.
func qualities(values []string) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for _, value := range values {
			for element := range strings.SplitSeq(value, ",") {
				name, params, _ := strings.Cut(element, ";")
				name = strings.ToLower(strings.TrimSpace(name))
				if q := quality(params); name != "" && q >= 0 && !yield(name, q) {
					return
				}
			}
		}
	}
}

// quality returns the quality among the parameters of an element: from 0 to 1,
// or -1 if it is not valid.
func quality(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0) {
			return -1
		}
		return min(q, 1)
	}
	return 1
}

// encoding returns the encoding for the values of an Accept-Encoding header:
// "gzip", "zstd" or "" for none. Of equal qualities the first one is the best, which is
// "gzip" or "zstd", and none the last. A client that accepts everything gets gzip. See
// RFC 9110, section 12.5.3.
func encoding(accept []string, first string) string {
	q := map[string]float64{}
	for name, quality := range qualities(accept) {
		q[strings.TrimPrefix(name, "x-")] = quality
	}
	if _, ok := q["gzip"]; !ok {
		q["gzip"] = q["*"]
	}
	best := ""
	for _, name := range []string{first, "zstd", "gzip"} {
		if q[name] > q[best] {
			best = name
		}
	}
	if q["identity"] > q[best] {
		return ""
	}
	return best
}

// maxAccept is the maximum length of an Accept header. Prometheus sends 400
// bytes.
const maxAccept = 4096

// dropLongAccept removes an Accept header that is too long: parsing one of 60 kB
// takes as much CPU time as fifty scrapes.
func dropLongAccept(h http.Header) {
	if len(strings.Join(h.Values("Accept"), ",")) > maxAccept {
		h.Del("Accept")
	}
}

const openMetrics = "application/openmetrics-text"

// acceptsText reports whether the response is text, on the fast road: the
// client accepts text and does not prefer protobuf. A client that prefers
// OpenMetrics and accepts text, such as Prometheus, gets text: OpenMetrics
// would change the names of some inherited counters.
func acceptsText(h http.Header) bool {
	q := acceptQualities(h)
	if q[openMetrics] > 0 && !acceptsPlain(q) {
		return false
	}
	return expfmt.NegotiateAccept(h, expfmt.NewFormat(expfmt.TypeTextPlain), expfmt.NewFormat(expfmt.TypeProtoDelim)).FormatType() == expfmt.TypeTextPlain
}

// acceptQualities returns the qualities of the media types in an Accept header.
func acceptQualities(h http.Header) map[string]float64 {
	q := map[string]float64{}
	for name, quality := range qualities(h.Values("Accept")) {
		q[name] = max(q[name], quality)
	}
	return q
}

// An accept is an Accept header with the result of acceptsText.
type accept struct {
	header string
	text   bool
}

// acceptsText is the function of its name for a header that is most often that of
// the last scrape: parsing it takes a hundredth of a scrape.
func (m *Metrics) acceptsText(h http.Header) bool {
	values := h["Accept"]
	if len(values) != 1 {
		return acceptsText(h)
	}
	last := m.lastAccept.Load()
	if last == nil || last.header != values[0] {
		last = &accept{values[0], acceptsText(h)}
		m.lastAccept.Store(last)
	}
	return last.text
}

// acceptsPlain reports whether text/plain is accepted: the most specific range
// decides.
func acceptsPlain(q map[string]float64) bool {
	for _, name := range []string{"text/plain", "text/*", "*/*"} {
		if quality, ok := q[name]; ok {
			return quality > 0
		}
	}
	return false
}
