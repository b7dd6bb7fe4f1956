package output

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"

	"github.com/itchyny/gojq"
	dto "github.com/prometheus/client_model/go"
)

// compileJQ compiles the expressions of a declared metric.
func (m *compiledMetric) compileJQ(o *Options) error {
	if o.Format != JSON {
		if m.Each != "" || m.Value != "" || m.LabelValues != nil {
			return fmt.Errorf("each, value, label-values: want the format json, have %s", o.Format)
		}
		return nil
	}
	if m.Value == "" && m.Type != Info {
		return errors.New("value: want a jq expression, have none")
	}
	var err error
	if m.each, err = compileJQ("each", cmp.Or(m.Each, ".")); err != nil {
		return err
	}
	if m.value, err = compileJQ("value", cmp.Or(m.Value, "1")); err != nil {
		return err
	}
	m.labelNames = slices.Sorted(maps.Keys(m.LabelValues))
	if err := validLabels("label-values", m.labelNames); err != nil {
		return err
	}
	for _, name := range m.labelNames {
		if m.Labels != nil && !slices.Contains(m.Labels, name) {
			return fmt.Errorf("label-values: want one of the labels %v, have %s", m.Labels, name)
		}
		code, err := compileJQ("label-values: "+name, m.LabelValues[name])
		if err != nil {
			return err
		}
		m.labelCodes = append(m.labelCodes, code)
	}
	if m.Labels == nil {
		m.Labels = m.labelNames
	}
	return nil
}

// compileJQ compiles an expression, whose only input is the document: it has no
// environment, no modules and no other inputs.
func compileJQ(field, source string) (*gojq.Code, error) {
	query, err := gojq.Parse(source)
	if err != nil {
		return nil, fmt.Errorf("%s: %q: %w", field, source, err)
	}
	code, err := gojq.Compile(query, gojq.WithEnvironLoader(func() []string { return nil }))
	if err != nil {
		return nil, fmt.Errorf("%s: %q: %w", field, source, err)
	}
	return code, nil
}

// json evaluates the expressions of the metrics on a document. An expression that
// fails fails the run, because the document is not the one that it expects.
func (r *run) json(b []byte) error {
	document, err := decode(b)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.p.o.JQTimeout)
	defer cancel()
	for i, m := range r.p.metrics {
		err := r.jq(ctx, i, m, document)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return fmt.Errorf("metrics[%d]: %s: longer than the jq-timeout of %s", i, m.Name, r.p.o.JQTimeout)
		case errors.Is(err, errTooMany):
			return err
		case err != nil:
			return fmt.Errorf("metrics[%d]: %s: %w", i, m.Name, err)
		}
	}
	return nil
}

// decode decodes one document. Numbers stay strings, so that a 64-bit number keeps
// all digits as a label.
func decode(b []byte) (document any, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err = d.Decode(&document); err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return document, nil
		}
		return nil, fmt.Errorf("%s: want one JSON document, have more", positionOf(b, d.InputOffset()))
	}
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("%s: want JSON: %s", positionOf(b, syntax.Offset), marked(err.Error()))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%s: want JSON, have an incomplete document", positionOf(b, int64(len(b))))
	}
	return nil, fmt.Errorf("want JSON: %s", marked(err.Error()))
}

// positionOf returns the position of the byte before an offset, where the decoder
// stopped.
func positionOf(b []byte, offset int64) position {
	before := b[:max(0, min(offset-1, int64(len(b))))]
	return position{bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')}
}

// An item is the position of a value in the results of a metric's expressions.
type item struct {
	metric int
	n      int // counted from 1
}

func (i item) String() string { return fmt.Sprintf("metrics[%d], item %d", i.metric, i.n) }

// jq adds the values of a metric in a document.
func (r *run) jq(ctx context.Context, i int, m *compiledMetric, document any) error {
	n, limit := 0, r.p.maxValues()
	return forEach(ctx, m.each, document, func(element any) error {
		if n++; n > limit {
			return errTooMany
		}
		at := item{i, n}
		labels, ok, err := r.jqLabels(ctx, at, m, element)
		if err != nil || !ok {
			return err
		}
		values := 0
		return forEach(ctx, m.value, element, func(v any) error {
			if values++; values > limit {
				return errTooMany
			}
			return r.jqValue(m, at, v, labels)
		})
	})
}

// forEach calls do with each result of an expression.
func forEach(ctx context.Context, code *gojq.Code, input any, do func(any) error) error {
	iter := code.RunWithContext(ctx, input)
	for {
		v, more := iter.Next()
		if !more {
			return nil
		}
		if err, failed := v.(error); failed {
			var halt *gojq.HaltError
			if errors.As(err, &halt) && halt.Value() == nil {
				return nil // the expression called halt
			}
			if errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			return errors.New(marked(err.Error())) // it may have a value
		}
		if err := do(v); err != nil {
			return err
		}
	}
}

// jqLabels returns the labels of an element. Each must be one string, number or
// boolean.
func (r *run) jqLabels(ctx context.Context, at item, m *compiledMetric, element any) (labels []*dto.LabelPair, ok bool, err error) {
	for i, name := range m.labelNames {
		var texts []string
		err := forEach(ctx, m.labelCodes[i], element, func(v any) error {
			text, ok := labelText(v)
			if !ok {
				return fmt.Errorf("want a string or a number, have %s", describeJSON(v))
			}
			if texts = append(texts, text); len(texts) > 1 {
				return errors.New("want one value, have several")
			}
			return nil
		})
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return nil, false, err
		case err == nil && len(texts) == 0:
			err = errors.New("want one value, have none")
		}
		if err != nil {
			r.drop(BadLabel, at, "%s: label %s: %v", m.Name, name, err)
			return nil, false, nil
		}
		labels = append(labels, label(name, texts[0]))
	}
	return labels, true, nil
}

// labelText returns a result of an expression as a label value.
func labelText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	case int:
		return strconv.Itoa(v), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case *big.Int:
		return v.String(), true
	}
	return "", false
}

// jqValue adds a value. With an enum, the value may be anything that can be a label.
// Without one, it must be a number or a boolean: an expression must convert strings
// itself.
func (r *run) jqValue(m *compiledMetric, at item, v any, labels []*dto.LabelPair) error {
	read := value{at: at, labels: slices.Clone(labels)}
	if m.Enum != nil {
		if text, ok := labelText(v); ok {
			read.text = text
			return r.addText(m, read)
		}
	}
	switch v := v.(type) {
	case bool:
		if v {
			return r.addNumber(m, read, 1)
		}
		return r.addNumber(m, read, 0)
	case int:
		return r.addNumber(m, read, float64(v))
	case float64:
		return r.addNumber(m, read, v)
	case *big.Int:
		n, _ := new(big.Float).SetInt(v).Float64()
		return r.addNumber(m, read, n)
	case json.Number:
		read.text = v.String()
		return r.addText(m, read)
	}
	r.drop(IllTyped, at, "%s: want a number, have %s", m.Name, describeJSON(v))
	return nil
}

// describeJSON describes a result of an expression.
func describeJSON(v any) string {
	switch v := v.(type) {
	case string:
		return "the string " + quote(v)
	case map[string]any:
		return fmt.Sprintf("an object of %d", len(v))
	case []any:
		return fmt.Sprintf("an array of %d", len(v))
	}
	return marked(gojq.Preview(v))
}
