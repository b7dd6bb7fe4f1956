package web

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxGuarded is the maximum number of requests to guarded pages at once. People
// make them, and a handful at most.
const maxGuarded = 8

// A guard protects what is not for everyone who may scrape: the status page, the
// configuration, reloads and profiles.
//
// It protects from other sites in a browser. A site can make a browser send
// requests to the exporter, but cannot read the answers, unless its own name
// resolves to the exporter's address; then the header Host has that name.
type guard struct {
	names    []string // lower case; one that starts with a dot stands for all names that end with it
	requests chan struct{}
	origin   *http.CrossOriginProtection
}

func newGuard(names []string) *guard {
	g := &guard{requests: make(chan struct{}, maxGuarded), origin: http.NewCrossOriginProtection()}
	for _, name := range names {
		g.names = append(g.names, normalizeName(name))
	}
	return g
}

// handler returns a handler that passes the requests to next that are for this
// host and, if they change something, not from another site.
func (g *guard) handler(next http.Handler) http.Handler {
	next = g.origin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r) && r.TLS == nil && !g.allows(r.Host) {
			fail(w, http.StatusForbidden, fmt.Sprintf("%.300q is not a name of this host: use its address, or start the exporter with --web.allowed-host=NAME", r.Host))
			return
		}
		select {
		case g.requests <- struct{}{}:
			defer func() { <-g.requests }()
			defer protect(r)()
			next.ServeHTTP(w, r)
		default:
			fail(w, http.StatusServiceUnavailable, fmt.Sprintf("too many requests at once, the limit is %d", maxGuarded))
		}
	})
}

// allows reports whether the header Host names this host: by an address, by a
// name of its own, or as localhost. A browser sends the name or the address that
// it has connected to, and no site has an address for a name. A client without
// the header is not a browser.
func (g *guard) allows(hostport string) bool {
	name := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		name = h
	}
	name = normalizeName(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"))
	if _, err := netip.ParseAddr(name); err == nil || name == "" || name == "localhost" {
		return true
	}
	return slices.ContainsFunc(g.names, func(n string) bool {
		if strings.HasPrefix(n, ".") {
			return len(name) > len(n) && strings.HasSuffix(name, n)
		}
		return name == n
	})
}

func normalizeName(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }

// contentSecurityPolicy returns a policy that lets a page use a style element, the
// assets of the exporter and its metrics, and nothing else: no script of the page
// itself, no frame around it, no form.
func contentSecurityPolicy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"' 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// withHeaders returns a handler that adds the headers of security to the
// responses of next: to metrics only that a browser must not take them for
// something else, to everything else all of them. Headers that
// --web.config.file has set stay.
func withHeaders(next http.Handler, metricsPath, policy string) http.Handler {
	set := func(h http.Header, name, value string) {
		if h.Get(name) == "" {
			h.Set(name, value)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		set(h, "X-Content-Type-Options", "nosniff")
		if r.URL.Path != metricsPath {
			set(h, "Content-Security-Policy", policy)
			set(h, "X-Frame-Options", "deny")
			set(h, "Cross-Origin-Resource-Policy", "same-origin")
			set(h, "Referrer-Policy", "no-referrer")
			set(h, "Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}
