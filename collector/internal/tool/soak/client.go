package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A client scrapes over connections of its own.
type client struct {
	soak *soak
	http http.Client
	gzip *gzip.Reader
	zstd *zstd.Decoder
	raw  bytes.Buffer
	text bytes.Buffer

	lastText, lastCheck int64          // seen by this client
	series              map[string]int // of one response, to find repeated ones
}

func newClient(s *soak) *client {
	c := &client{soak: s, series: map[string]int{}, gzip: new(gzip.Reader)}
	c.zstd, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1)) // fails only for an invalid option
	c.http.Transport = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 1}
	c.http.Timeout = 30 * time.Second
	return c
}

// A request is a kind of scrape.
type request struct {
	collectors  string // to select, separated by blanks; empty for all
	encoding    string // gzip, zstd or empty
	openMetrics bool
	leaves      string // "": stays; "early": before the response; "late": within it
}

// requests are made in turns. Most are of some collectors, which are cheap: what leaks
// does so at every scrape.
func requests() []request {
	return []request{
		{encoding: "gzip"},
		{collectors: "loadavg textfile", encoding: "gzip"},
		{collectors: "cpu meminfo stat", encoding: "zstd"},
		{collectors: "textfile check uname"},
		{collectors: "loadavg"},
		{collectors: "pressure check softnet", encoding: "zstd"},
		{collectors: "textfile", encoding: "gzip"},
		{collectors: "loadavg check", encoding: "gzip"},
		{leaves: "early"},
		{collectors: "time loadavg filesystem"},
		{collectors: "textfile", encoding: "zstd"},
		{collectors: "vmstat", encoding: "gzip"},
		{encoding: "zstd"},
		{collectors: "textfile check", openMetrics: true},
		{collectors: "loadavg"},
		{collectors: "check", encoding: "zstd"},
		{collectors: "uname"},
		{collectors: "textfile"},
		{collectors: "loadavg", encoding: "gzip"},
		{collectors: "time textfile", encoding: "zstd"},
		{encoding: "gzip", leaves: "late"},
		{collectors: "netdev diskstats textfile", encoding: "zstd"},
		{collectors: "loadavg uname"},
		{collectors: "textfile check", encoding: "gzip"},
		{},
		{collectors: "stat"},
		{collectors: "textfile loadavg", encoding: "zstd"},
		{collectors: "check"},
		{collectors: "time", leaves: "early"},
		{collectors: "entropy filefd", encoding: "gzip"},
		{collectors: "textfile check"},
		{collectors: "loadavg textfile check", encoding: "zstd"},
	}
}

// scrape makes scrape number n and checks the response.
func (c *client) scrape(n int64) error {
	all := requests()
	r := all[n%int64(len(all))]
	if r.leaves != "" {
		c.soak.left.Add(1)
		return c.leave(r)
	}
	wrote := c.soak.scene.written.Load()
	resp, err := c.get(r)
	if err != nil {
		return err
	}
	if err := c.read(resp); err != nil {
		return fmt.Errorf("%+v: %w", r, err)
	}
	if err := c.check(r, wrote, n%256 < 2); err != nil {
		return fmt.Errorf("%+v: %w", r, err)
	}
	return nil
}

func (r request) query() string {
	query := "/metrics"
	for i, name := range strings.Fields(r.collectors) {
		query += map[bool]string{true: "?", false: "&"}[i == 0] + "collect[]=" + name
	}
	return query
}

func (r request) accept() string {
	if r.openMetrics {
		return "application/openmetrics-text;version=1.0.0"
	}
	return "text/plain;version=0.0.4"
}

func (c *client) get(r request) (*http.Response, error) {
	req, err := http.NewRequest("GET", "http://"+c.soak.exporter.address+r.query(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", r.accept())
	if r.encoding != "" {
		req.Header.Set("Accept-Encoding", r.encoding)
	}
	return c.http.Do(req)
}

// read reads and decodes a response into c.text.
func (c *client) read(resp *http.Response) (err error) {
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	c.raw.Reset()
	c.text.Reset()
	if _, err := c.raw.ReadFrom(resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s\n%s", resp.Status, c.raw.Bytes())
	}
	switch encoding := resp.Header.Get("Content-Encoding"); encoding {
	case "":
		c.raw, c.text = c.text, c.raw
	case "gzip":
		if err := c.gzip.Reset(&c.raw); err != nil {
			return err
		}
		_, err = c.text.ReadFrom(c.gzip)
	case "zstd":
		if err := c.zstd.Reset(&c.raw); err != nil {
			return err
		}
		_, err = c.text.ReadFrom(c.zstd)
	default:
		err = fmt.Errorf("content encoding %q", encoding)
	}
	return err
}

// check checks the response in c.text: wrote is the number in the text file before the
// request; if deep is true, each series must be unique.
func (c *client) check(r request, wrote int64, deep bool) error {
	text := c.text.Bytes()
	if len(text) == 0 || text[len(text)-1] != '\n' {
		return fmt.Errorf("want a last line that ends, have %q", text[max(0, len(text)-80):])
	}
	has := func(name string) int {
		return bytes.Count(text, []byte("\nnode_scrape_collector_success{collector=\""+name+"\"}"))
	}
	if r.collectors == "" {
		if has("arp")+has("sockstat") != 1 {
			return fmt.Errorf("want one of the configurations, have arp %d, sockstat %d times", has("arp"), has("sockstat"))
		}
		for _, name := range []string{"cpu", "loadavg", "textfile", "check", "netdev", "uname"} {
			if n := has(name); n != 1 {
				return fmt.Errorf("want %s once, have %d", name, n)
			}
		}
	}
	names := strings.Fields(r.collectors)
	for _, name := range names {
		if n := has(name); n != 1 {
			return fmt.Errorf("want %s once, have %d", name, n)
		}
	}
	if n := bytes.Count(text, []byte("\nnode_scrape_collector_success{")); len(names) > 0 && n != len(names) {
		return fmt.Errorf("want %d collectors, have %d", len(names), n)
	}
	if has("textfile") == 1 {
		n, err := c.advance("soak_text", &c.lastText)
		if err != nil {
			return err
		}
		if now := c.soak.scene.written.Load(); n > now || n < wrote-maxTextLag {
			return fmt.Errorf("want a text from %d to %d, have %d", wrote-maxTextLag, now, n)
		}
	}
	if has("check") == 1 && bytes.Contains(text, []byte("\nsoak_check_runs ")) { // not before its first run
		if _, err := c.advance("soak_check_runs", &c.lastCheck); err != nil {
			return err
		}
	}
	if deep {
		return c.checkUnique(text)
	}
	return nil
}

// advance returns the value of a series, which must not be below that of the last
// response.
func (c *client) advance(name string, last *int64) (int64, error) {
	_, rest, ok := bytes.Cut(c.text.Bytes(), []byte("\n"+name+" "))
	if !ok {
		return 0, fmt.Errorf("want %s, have none", name)
	}
	value, _, _ := bytes.Cut(rest, []byte("\n"))
	v, err := strconv.ParseFloat(string(value), 64)
	if n := int64(v); err == nil && n < *last {
		return n, fmt.Errorf("want %s from %d on, have %d", name, *last, n)
	}
	*last = int64(v)
	return *last, err
}

// checkUnique checks that each series is there once.
func (c *client) checkUnique(text []byte) error {
	clear(c.series)
	for line := range bytes.Lines(text) {
		if line[0] == '#' {
			continue
		}
		series := line[:bytes.LastIndexByte(line, ' ')]
		if c.series[string(series)]++; c.series[string(series)] > 1 {
			return fmt.Errorf("%s is there twice", series)
		}
	}
	return nil
}

// leave sends a request and closes the connection before the response, or after some
// bytes of it.
func (c *client) leave(r request) (err error) {
	conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", c.soak.exporter.address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: soak\r\nAccept-Encoding: %s\r\n\r\n", r.query(), r.encoding); err != nil {
		return err
	}
	if r.leaves == "late" {
		_, err = io.ReadFull(bufio.NewReaderSize(conn, 16), make([]byte, 300))
	}
	return err
}
