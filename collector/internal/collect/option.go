package collect

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/yamltext"
)

// A Field is one option of a collector. Its flag, its key in the configuration
// file and its row in the docs are made from it.
type Field struct {
	Name        string   // within the collector, such as "device-exclude"
	Help        string   // a noun phrase or an imperative, with a full stop
	Value       Value    // a pointer into the collector's options
	Placeholder string   // of the value in --help; empty: by the type of Value
	Flag        string   // the whole flag; empty: collector.<collector>.<name>
	Aliases     []string // whole flags of older releases, accepted and not shown
	Hidden      bool     // accepted and not shown
	IsPath      bool     // the value is a file or a directory to read, or a pattern of them: the sandbox allows it
}

// FlagName returns the option's flag for a collector, without dashes.
func (f Field) FlagName(collector string) string {
	if f.Flag != "" {
		return f.Flag
	}
	return "collector." + collector + "." + f.Name
}

// ValueName returns the placeholder of the option's value in --help. A boolean
// has none.
func (f Field) ValueName() string {
	if f.Placeholder != "" {
		return f.Placeholder
	}
	switch f.Value.(type) {
	case *Bool:
		return ""
	case *Int:
		return "N"
	case *Duration:
		return "DURATION"
	case *Regexp:
		return "REGEXP"
	}
	return "VALUE"
}

// A Value is the value of an option.
type Value interface {
	Set(string) error
	String() string
}

// IsSwitch reports whether a value is a boolean.
func IsSwitch(v Value) bool { _, ok := v.(*Bool); return ok }

// IsList reports whether a value may be given more than once.
func IsList(v Value) bool { _, ok := v.(*Strings); return ok }

// YAML returns a value as written in a configuration file.
func YAML(v Value) string {
	switch v := v.(type) {
	case *Strings:
		return yamltext.Strings(v.All())
	case *Bool, *Int, *Duration:
		return v.String()
	}
	return yamltext.String(v.String())
}

// apply sets fields to the values of the options of their names.
func apply(fields []Field, options map[string][]string) error {
	for name, values := range options {
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
		if i < 0 {
			return fmt.Errorf("unknown option %q", name)
		}
		if len(values) > 1 && !IsList(fields[i].Value) {
			return fmt.Errorf("%s is given %d times", name, len(values))
		}
		for _, v := range values {
			if err := fields[i].Value.Set(v); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// Bool is true or false.
type Bool bool

func (b *Bool) Set(s string) error {
	v, err := strconv.ParseBool(s)
	if err != nil {
		return Unexpected("true or false", s)
	}
	*b = Bool(v)
	return nil
}

func (b *Bool) String() string { return strconv.FormatBool(bool(*b)) }

// String is any text.
type String string

func (v *String) Set(s string) error { *v = String(s); return nil }
func (v *String) String() string     { return string(*v) }

// Int is a whole number.
type Int int

func (v *Int) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil {
		return Unexpected("a whole number", s)
	}
	*v = Int(n)
	return nil
}

func (v *Int) String() string { return strconv.Itoa(int(*v)) }

// Duration is a time span such as 1m30s, not negative.
type Duration time.Duration

func (v *Duration) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return Unexpected("a time span such as 10s", s)
	}
	*v = Duration(d)
	return nil
}

func (v *Duration) String() string { return time.Duration(*v).String() }

// Strings is a list: the option may be given more than once. The first explicit
// value replaces the default.
type Strings struct {
	list     []string
	explicit bool
}

func (v *Strings) Set(s string) error {
	if !v.explicit {
		v.list, v.explicit = nil, true
	}
	v.list = append(v.list, s)
	return nil
}

func (v *Strings) String() string { return strings.Join(v.list, ",") }

// All returns the elements.
func (v *Strings) All() []string { return v.list }

// Regexp is an optional regular expression.
type Regexp struct {
	source string
	re     *regexp.Regexp
}

// Pattern returns a Regexp with the default s, which must compile.
func Pattern(s string) Regexp { return Regexp{s, regexp.MustCompile(s)} }

func (v *Regexp) Set(s string) error {
	if s == "" {
		*v = Regexp{}
		return nil
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return err
	}
	*v = Regexp{s, re}
	return nil
}

func (v *Regexp) String() string { return v.source }

// IsSet reports whether v has an expression.
func (v *Regexp) IsSet() bool { return v.re != nil }

// Match reports whether s contains a match. Without an expression it is false.
func (v *Regexp) Match(s string) bool { return v.re != nil && v.re.MatchString(s) }

// A Filter selects devices by name: those that match Include, if it is set, and
// do not match Exclude.
type Filter struct{ Include, Exclude Regexp }

// Fields returns the filter's two options, such as device-include and
// device-exclude for "device". If both are given, both apply.
func (f *Filter) Fields(what string) []Field { return f.fields(what, "", "") }

// ExclusiveFields is Fields for options that cannot be used together: see
// Check.
func (f *Filter) ExclusiveFields(what string) []Field {
	return f.fields(what, " (not together with "+what+"-exclude)", " (not together with "+what+"-include)")
}

func (f *Filter) fields(what, includeNote, excludeNote string) []Field {
	return []Field{
		{Name: what + "-include", Help: "Regular expression of " + what + "s to include" + includeNote + ".", Value: &f.Include},
		{Name: what + "-exclude", Help: "Regular expression of " + what + "s to exclude" + excludeNote + ".", Value: &f.Exclude},
	}
}

// Check returns an error if both expressions of a filter with ExclusiveFields
// are explicit. An Include takes precedence over the default Exclude.
func (f *Filter) Check(what string, defaults Filter) error {
	if f.Include.IsSet() && f.Exclude.IsSet() {
		if f.Exclude.source != defaults.Exclude.source {
			return errors.New(what + "-include and " + what + "-exclude cannot be used together")
		}
		f.Exclude = Regexp{}
	}
	return nil
}

// Ignores reports whether the filter excludes a name.
func (f *Filter) Ignores(name string) bool {
	return f.Exclude.Match(name) || f.Include.IsSet() && !f.Include.Match(name)
}

// An unexpectedValue is the error of a value that an option does not accept.
type unexpectedValue struct{ want, have string }

// Unexpected returns the error of a value: what is wanted, and what there is.
func Unexpected(want, have string) error { return &unexpectedValue{want, have} }

func (e *unexpectedValue) Error() string { return fmt.Sprintf("want %s, have %q", e.want, e.have) }

// Wanted returns what is wanted, without what there is.
func (e *unexpectedValue) Wanted() string { return e.want }
