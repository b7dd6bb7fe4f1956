package command

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/hostexporter/host_exporter/collector/exporter"
)

// variablePrefix is the prefix of environment variables that set flags.
const variablePrefix = "HOST_EXPORTER_"

// variable returns the environment variable that sets a flag.
func variable(flag string) string {
	return variablePrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag))
}

// isForeign matches variables with the prefix that are not for the exporter: the
// options of the service files, and the links that Kubernetes sets in every
// container for a service called host-exporter or host-exporter-NAME. See
// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables.
var isForeign = regexp.MustCompile(`^HOST_EXPORTER_(OPTS|(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?))$`).MatchString

// hasVariable reports whether an environment variable can set a flag.
func hasVariable(f *kingpin.FlagModel) bool {
	return !f.Hidden && f.Name != "help" && f.Name != "version"
}

// addEnvironment puts a flag in front of args for each variable that sets one
// which args do not have. It notes the variables that are unknown.
func (p *program) addEnvironment(args, environ []string) ([]string, error) {
	values := map[string]string{}
	for _, v := range environ {
		if name, value, _ := strings.Cut(v, "="); strings.HasPrefix(name, variablePrefix) && value != "" {
			values[name] = value
		}
	}
	if len(values) == 0 {
		return args, nil
	}
	explicit := p.explicitFlags(args)
	var added, known []string
	for _, f := range p.app.Model().Flags {
		if !hasVariable(f) {
			continue
		}
		name := variable(f.Name)
		value, ok := values[name]
		known = append(known, name)
		delete(values, name)
		if !ok || explicit[f.Name] {
			continue
		}
		flags, err := flagsOf(f, value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		p.config.Settings.Environment[f.Name] = name
		added = append(added, flags...)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !isForeign(name) {
			p.unknownVariables = append(p.unknownVariables, name+suggestVariable(name, known))
		}
	}
	return append(added, args...), nil
}

// suggestVariable returns a hint to the variable that was probably meant.
func suggestVariable(name string, known []string) string {
	var words []string
	for _, k := range known {
		words = append(words, strings.ToLower(strings.TrimPrefix(k, variablePrefix)))
	}
	hint := exporter.Suggest(strings.TrimPrefix(name, variablePrefix), words)
	if before, word, ok := strings.Cut(hint, "do you mean "); ok {
		return before + "do you mean " + variablePrefix + strings.ToUpper(word)
	}
	return hint
}

// explicitFlags returns the names of the flags in args. A deprecated name stands
// for the current one.
func (p *program) explicitFlags(args []string) map[string]bool {
	explicit := map[string]bool{}
	parsed, _ := p.app.ParseContext(args) // Parse reports the error
	if parsed == nil {
		return explicit
	}
	for _, e := range parsed.Elements {
		if f, ok := e.Clause.(*kingpin.FlagClause); ok {
			name := f.Model().Name
			explicit[name], explicit[p.replaced[name]] = true, true
		}
	}
	return explicit
}

// flagsOf returns a flag with the value of its variable. A list has elements
// separated by white space.
func flagsOf(f *kingpin.FlagModel, value string) ([]string, error) {
	if f.IsBoolFlag() {
		on, err := strconv.ParseBool(value)
		if err != nil {
			return nil, fmt.Errorf("want true or false, have %q", value)
		}
		if !on {
			return []string{"--no-" + f.Name}, nil
		}
		return []string{"--" + f.Name}, nil
	}
	if !isList(f.Value) {
		return []string{"--" + f.Name + "=" + value}, nil
	}
	var flags []string
	for _, v := range strings.Fields(value) {
		flags = append(flags, "--"+f.Name+"="+v)
	}
	return flags, nil
}

// isList reports whether a flag or an argument may be given more than once.
func isList(v kingpin.Value) bool {
	list, ok := v.(interface{ IsCumulative() bool })
	return ok && list.IsCumulative()
}
