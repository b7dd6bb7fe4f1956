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

// Compare writes how our exposition differs from the peer's, a line for each
// difference. Both are URLs or paths. Series and values are compared only if
// deep is true. Differences that the file known lists are left out; an empty
// known is no file. The error reports how many lines were written.
func Compare(ctx context.Context, out io.Writer, ours, peer, known string, deep bool) error {
	var expositions [2]compare.Exposition
	for i, source := range []string{ours, peer} {
		text, err := fetch(ctx, source)
		if err != nil {
			return err
		}
		if expositions[i], err = compare.Parse(bytes.NewReader(text)); err != nil {
			return fmt.Errorf("%s: %w", source, err)
		}
	}
	exceptions, err := readKnown(known)
	if err != nil {
		return err
	}
	differences := exceptions.FilterOut(compare.Diff(expositions[0], expositions[1], deep))
	for _, d := range differences {
		if _, err := fmt.Fprintln(out, d); err != nil {
			return err
		}
	}
	switch len(differences) {
	case 0:
		return nil
	case 1:
		return errors.New("1 difference")
	}
	return fmt.Errorf("%d differences", len(differences))
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
