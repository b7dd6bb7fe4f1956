package exporter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/compare"
)

// fetchTimeout bounds the request for an exposition that is compared.
const fetchTimeout = 30 * time.Second

// CompareOptions are the input of Compare. Ours and Peer are URLs or paths.
type CompareOptions struct {
	Ours  string
	Peer  string // empty: only dashboards and rules are checked
	Known string // path of a file of differences to leave out; empty: none
	Deep  bool   // compare series and values, too

	Dashboards []string // paths of Grafana dashboards
	Rules      []string // paths of files of Prometheus rules
}

// Compare writes how our exposition differs from the peer's, a line for each
// difference, and which queries of dashboards and rules find no metric in ours,
// with the flag that exports it. The error reports how many lines were written.
func Compare(ctx context.Context, out io.Writer, o CompareOptions) error {
	ours, err := fetchExposition(ctx, o.Ours)
	if err != nil {
		return err
	}
	var lines []string
	if o.Peer != "" {
		peer, err := fetchExposition(ctx, o.Peer)
		if err != nil {
			return err
		}
		known, err := readKnown(o.Known)
		if err != nil {
			return err
		}
		for _, d := range known.FilterOut(compare.Diff(ours, peer, o.Deep)) {
			lines = append(lines, d.String())
		}
	}
	gaps, err := findGaps(ours, o.Dashboards, o.Rules)
	if err != nil {
		return err
	}
	lines = append(lines, gaps...)
	for _, line := range lines {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	switch len(lines) {
	case 0:
		return nil
	case 1:
		return errors.New("1 difference")
	}
	return fmt.Errorf("%d differences", len(lines))
}

func fetchExposition(ctx context.Context, source string) (compare.Exposition, error) {
	text, err := fetch(ctx, source)
	if err != nil {
		return nil, err
	}
	e, err := compare.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	return e, nil
}

// findGaps returns a line for each metric that a query selects and that ours
// does not have.
func findGaps(ours compare.Exposition, dashboards, rules []string) ([]string, error) {
	if len(dashboards)+len(rules) == 0 {
		return nil, nil
	}
	var queries []compare.Query
	for _, kind := range []struct {
		files []string
		parse func([]byte) ([]compare.Query, error)
	}{{dashboards, compare.Dashboard}, {rules, compare.Rules}} {
		for _, file := range kind.files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			found, err := kind.parse(text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			for _, q := range found {
				q.Where = file + ": " + q.Where
				queries = append(queries, q)
			}
		}
	}
	owners := newFamilyOwners(ours)
	var lines []string
	for _, gap := range compare.Gaps(queries, ours) {
		for _, name := range gap.Missing {
			lines = append(lines, fmt.Sprintf("%s: no %s: %s", gap.Query.Where, name, owners.remedy(name)))
		}
	}
	return lines, nil
}

func readKnown(path string) (compare.KnownDifferences, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	known, err := compare.ParseKnown(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return known, nil
}

// fetch returns the content of a URL or a file.
func fetch(ctx context.Context, source string) ([]byte, error) {
	if !strings.HasPrefix(source, "http://") && !strings.HasPrefix(source, "https://") {
		return os.ReadFile(source)
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", source, resp.Status)
	}
	return io.ReadAll(resp.Body)
}
